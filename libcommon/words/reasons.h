/*
 * Why containers cannot run on a machine: one sentence and one line to type for each reason, the
 * same from whichever program meets it. Formats for err_set / err_hint; arguments as noted.
 */
#ifndef POD_WORDS_REASONS_H
#define POD_WORDS_REASONS_H

#define REASON_USERNS      "user namespaces are not available to user \"%s\": %s" /* user, why */
#define REASON_USERNS_HINT "Ask the administrator to type: %s"                    /* command */

#define REASON_SUBIDS "no subordinate %s range for user \"%s\" in %s" /* uid|gid, user, file */
#define REASON_SUBIDS_HINT                                                                         \
    "Ask the administrator to type: sudo usermod --add-subuids 100000-165535 "                     \
    "--add-subgids 100000-165535 %s" /* user */

#define REASON_NEWUIDMAP      "cannot map user ids: \"%s\" %s" /* newuidmap|newgidmap, why */
#define REASON_NEWUIDMAP_HINT "Ask the administrator to type: sudo apt install --reinstall uidmap"

#define REASON_OVERLAY                                                                             \
    "cannot mount an overlay filesystem: the kernel refuses it (%s) and fuse-overlayfs %s"
#define REASON_OVERLAY_HINT                                                                        \
    "Ask the administrator to type: sudo apt install fuse-overlayfs, and see that /dev/fuse "      \
    "has mode 0666"

#endif
