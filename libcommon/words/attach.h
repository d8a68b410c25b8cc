/*
 * The conversation with a container's monitor, on run/<id>/attach: unix SOCK_SEQPACKET, one
 * message a packet, its first byte the kind.
 *
 * A fresh connection gets nothing but the end; after ATTACH it gets the output from then on.
 */
#ifndef POD_WORDS_ATTACH_H
#define POD_WORDS_ATTACH_H

/* Payload bytes in one packet. */
#define ATTACH_MAX    32768
#define ATTACH_SOCKET "attach"
/* In the run directory, while the monitor waits for START. */
#define ATTACH_HELD "held"

enum attach_kind {
    /* from the monitor */
    ATTACH_OUT = 'o',  /* standard output, or the terminal */
    ATTACH_ERR = 'e',  /* standard error */
    ATTACH_EXIT = 'x', /* text: exit code; nothing follows */
    ATTACH_SENT = 'k', /* answer to SIGNAL: text, 0 or an errno; to START: 0, or CODE TAB MESSAGE */
    /* to the monitor */
    ATTACH_JOIN = 'a',   /* letters o, e: which streams are wanted */
    ATTACH_IN = 'i',     /* standard input */
    ATTACH_EOF = 'c',    /* standard input ends */
    ATTACH_SIZE = 'w',   /* text: rows, blank, columns */
    ATTACH_SIGNAL = 's', /* text: signal number; goes to the container's first process */
    ATTACH_START = 'g',  /* a monitor that has only created the container (pod init) starts it */
    ATTACH_STOP = 'S',   /* the person wants it stopped: no restart after the next exit */
};

#endif
