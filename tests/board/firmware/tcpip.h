/* tcpip: the commands that look at the network behind the access point: names, one TCP connection,
 * an echo. Names are asked of the host, whatever name servers the board was told. */
#ifndef TESTS_BOARD_FIRMWARE_TCPIP_H
#define TESTS_BOARD_FIRMWARE_TCPIP_H

#include "tests/board/firmware/args.h"

struct firmware;
struct probe;

enum { TCPIP_SERVERS = 3 };

struct tcpip {
    struct probe *probe; /* what the running command asks; NULL: nothing */
    int fd;              /* the connection; -1: none */
    unsigned servers;    /* how many name servers were set; 0: those of the access point */
    char server[TCPIP_SERVERS][16];
};

void tcpip_init(struct firmware *fw);
void tcpip_dispose(struct firmware *fw);
/** Wi-Fi has gone, and with it the connection. */
void tcpip_network_down(struct firmware *fw);

void cmd_cipdomain_set(struct firmware *fw, const struct at_args *a);
void cmd_cipdns_query(struct firmware *fw, const struct at_args *a);
void cmd_cipdns_set(struct firmware *fw, const struct at_args *a);
void cmd_cipstart_set(struct firmware *fw, const struct at_args *a);
void cmd_cipclose_exec(struct firmware *fw, const struct at_args *a);
void cmd_ping_set(struct firmware *fw, const struct at_args *a);
#endif
