#include "disk/account.h"

#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_LINE 65536

static int account_of(const struct passwd *pw, struct account *ret)
{
    *ret = (struct account){.uid = pw->pw_uid, .gid = pw->pw_gid};
    return str_copy(ret->name, sizeof ret->name, pw->pw_name) < 0 ||
                   str_copy(ret->home, sizeof ret->home, pw->pw_dir) < 0
               ? -1
               : 0;
}

static size_t split(char *line, char **field, size_t max)
{
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    while (n < max && (field[n] = strsep(&line, ":")))
        n++;
    return n;
}

/* NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL */
static int parse(char *line, struct account *ret)
{
    char *field[7];
    uint64_t uid, gid;
    if (split(line, field, 7) < 7 || str_u64(field[2], UINT32_MAX, &uid) < 0 ||
        str_u64(field[3], UINT32_MAX, &gid) < 0)
        return -1;
    struct passwd pw = {
        .pw_name = field[0], .pw_uid = (uid_t)uid, .pw_gid = (gid_t)gid, .pw_dir = field[5]};
    return account_of(&pw, ret);
}

/* The line that getent(1) has for key in a database, "passwd" or "group"; NULL: none. */
static char *ask(const char *database, const char *key)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return NULL;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, STDIN_FILENO);
        dup2(p[1], STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execlp("getent", "getent", database, "--", key, NULL);
        _exit(127);
    }
    close(p[1]);
    cleanup(buf_free) struct buf line = BUF_INIT;
    int res = pid < 0 ? -1 : fd_read_all(p[0], MAX_LINE, &line);
    close(p[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return res < 0 || !line.len ? NULL : buf_take(&line);
}

static int ask_account(const char *key, struct account *ret)
{
    cleanup_free char *line = ask("passwd", key);
    return line ? parse(line, ret) : -1;
}

int account_by_id(uid_t uid, struct account *ret)
{
    char text[4096], key[16];
    struct passwd entry, *pw = NULL;
    (void)getpwuid_r(uid, &entry, text, sizeof text, &pw);
    snprintf(key, sizeof key, "%u", uid);
    return pw ? account_of(pw, ret) : ask_account(key, ret);
}

int account_by_name(const char *name, struct account *ret)
{
    char text[4096];
    struct passwd entry, *pw = NULL;
    (void)getpwnam_r(name, &entry, text, sizeof text, &pw);
    return pw ? account_of(pw, ret) : ask_account(name, ret);
}

int account_group(gid_t gid, char *ret, size_t size)
{
    char text[4096], key[16], *field[2];
    struct group entry, *gr = NULL;
    (void)getgrgid_r(gid, &entry, text, sizeof text, &gr);
    if (gr)
        return str_copy(ret, size, gr->gr_name);
    snprintf(key, sizeof key, "%u", gid);
    cleanup_free char *line = ask("group", key);
    return line && split(line, field, 2) == 2 ? str_copy(ret, size, field[0]) : -1;
}
