/*
 * For programs that are linked with musl, by the linker's --wrap: strerror(3) in the words that
 * people and scripts know from every other program on their machine, where musl's are others.
 */
#include <features.h>

#ifndef __GLIBC__
#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
    int number;
    const char *text;
} known[] = {
    {EIO, "Input/output error"},
    {ECHILD, "No child processes"},
    {ENOMEM, "Cannot allocate memory"},
    {EBUSY, "Device or resource busy"},
    {EXDEV, "Invalid cross-device link"},
    {EMFILE, "Too many open files"},
    {ENOTTY, "Inappropriate ioctl for device"},
    {ESPIPE, "Illegal seek"},
    {EDOM, "Numerical argument out of domain"},
    {ERANGE, "Numerical result out of range"},
    {EDEADLK, "Resource deadlock avoided"},
    {ENAMETOOLONG, "File name too long"},
    {ELOOP, "Too many levels of symbolic links"},
    {ETIME, "Timer expired"},
    {EOVERFLOW, "Value too large for defined data type"},
    {EILSEQ, "Invalid or incomplete multibyte or wide character"},
    {EUSERS, "Too many users"},
    {ENOTSOCK, "Socket operation on non-socket"},
    {EMSGSIZE, "Message too long"},
    {EOPNOTSUPP, "Operation not supported"},
    {EADDRINUSE, "Address already in use"},
    {EADDRNOTAVAIL, "Cannot assign requested address"},
    {ENETUNREACH, "Network is unreachable"},
    {ECONNABORTED, "Software caused connection abort"},
    {EISCONN, "Transport endpoint is already connected"},
    {ENOTCONN, "Transport endpoint is not connected"},
    {ETIMEDOUT, "Connection timed out"},
    {EHOSTUNREACH, "No route to host"},
    {EINPROGRESS, "Operation now in progress"},
    {EUCLEAN, "Structure needs cleaning"},
    {EDQUOT, "Disk quota exceeded"},
};

char *__real_strerror(int number);
char *__wrap_strerror(int number);

char *__wrap_strerror(int number)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number)
            return (char *)known[i].text;
    return __real_strerror(number);
}
#endif
