#include "fetch.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PEM = 4 << 20 };

static int add_pem(int dir, const char *dirname, const char *name, struct buf *b, struct err *e)
{
    if (at_read(dir, name, MAX_PEM, b) < 0)
        return err_sys(e, "cannot read certificate \"%s/%s\"", dirname, name);
    buf_addc(b, '\n');
    return 0;
}

/* One more authority must not make the others unknown: the bundle curl would have used is first. */
static void add_system_bundle(struct buf *b)
{
    const char *file = getenv("SSL_CERT_FILE");
    if (!file || !*file)
        file = curl_version_info(CURLVERSION_NOW)->cainfo;
    if (file && at_read(AT_FDCWD, file, MAX_PEM, b) == 0)
        buf_addc(b, '\n');
}

/* X.cert with the X.key beside it */
static int add_client(int dir, const char *dirname, const char *name, struct source *s,
                      struct err *e)
{
    cleanup_free char *key = xasprintf("%.*s.key", (int)(strlen(name) - strlen(".cert")), name);
    if (s->cert.len)
        return 0;
    if (!at_exists(dir, key))
        return err_set(e, 0, "missing key \"%s/%s\" for client certificate \"%s\"", dirname, key,
                       name);
    if (add_pem(dir, dirname, name, &s->cert, e) < 0)
        return -1;
    return add_pem(dir, dirname, key, &s->key, e);
}

int certs_read(const char *dirname, struct source *s, struct err *e)
{
    int r = 0, fd;
    DIR *d = opendir(dirname);
    if (!d)
        return errno == ENOENT || errno == EACCES
                   ? 0
                   : err_sys(e, "cannot open certificate directory \"%s\"", dirname);
    fd = dirfd(d);
    for (const struct dirent *de; r == 0 && (de = readdir(d));) {
        if (de->d_name[0] == '.')
            continue;
        if (str_ends(de->d_name, ".crt")) {
            if (s->ca.len == 0)
                add_system_bundle(&s->ca);
            r = add_pem(fd, dirname, de->d_name, &s->ca, e);
        } else if (str_ends(de->d_name, ".cert")) {
            r = add_client(fd, dirname, de->d_name, s, e);
        }
    }
    closedir(d);
    return r;
}
