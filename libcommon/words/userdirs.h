/* Where a user's own settings lie. The strings are the caller's; NULL when there is no such place.
 */
#ifndef POD_WORDS_USERDIRS_H
#define POD_WORDS_USERDIRS_H

char *userdir_home(const char *rest);    /* $HOME/rest, else the passwd entry's directory */
char *userdir_config(const char *rest);  /* ${XDG_CONFIG_HOME:-~/.config}/rest */
char *userdir_cache(const char *rest);   /* ${XDG_CACHE_HOME:-~/.cache}/rest */
char *userdir_runtime(const char *rest); /* $XDG_RUNTIME_DIR/rest, else /run/user/UID/rest */

#endif
