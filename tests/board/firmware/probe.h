/* probe: one question to the network: the address of a name, whether a host takes a TCP connection,
 * whether it is there at all. */
#ifndef TESTS_BOARD_FIRMWARE_PROBE_H
#define TESTS_BOARD_FIRMWARE_PROBE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct probe;

enum probe_kind {
    PROBE_NAME,
    PROBE_CONNECT,
    /* An ICMP echo needs rights that a test has not got everywhere. So a TCP packet is sent to the
     * echo port: to refuse it is an answer, too. */
    PROBE_ECHO,
};

struct probe_question {
    enum probe_kind kind;
    char host[256];
    uint16_t port;    /* of PROBE_CONNECT */
    uint32_t wait_ms; /* for the peer, from its address on */
};

struct probe_answer {
    bool named;   /* there is an address */
    bool reached; /* the connection is up, or the host has answered */
    struct in_addr address;
    uint32_t took_ms; /* from the address to the answer */
    int fd;           /* of PROBE_CONNECT when reached, the receiver's now; else -1 */
};

/** Told once, on the loop, unless the question is dropped first. The probe has been freed. */
typedef void (*probe_fn)(const struct probe_answer *a, void *arg);

/** Copies @p q. @return NULL when the system refuses */
struct probe *probe_start(struct loop *l, const struct probe_question *q, probe_fn fn, void *arg);
/** NULL allowed; not after the answer. */
void probe_drop(struct probe *p);
#endif
