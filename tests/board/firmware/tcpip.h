/* tcpip: the commands that look at the network behind the access point: names, one TCP connection,
 * an echo. */
#ifndef TESTS_BOARD_FIRMWARE_TCPIP_H
#define TESTS_BOARD_FIRMWARE_TCPIP_H

#include "tests/board/firmware/args.h"

struct firmware;
struct probe;

struct tcpip {
    struct probe *probe; /* what the running command asks; NULL: nothing */
    int fd;              /* the connection; -1: none */
};

void tcpip_init(struct firmware *fw);
void tcpip_dispose(struct firmware *fw);
/** Wi-Fi has gone, and with it the connection. */
void tcpip_network_down(struct firmware *fw);

void cmd_cipdomain_set(struct firmware *fw, const struct at_args *a);
void cmd_cipstart_set(struct firmware *fw, const struct at_args *a);
void cmd_cipclose_exec(struct firmware *fw, const struct at_args *a);
void cmd_ping_set(struct firmware *fw, const struct at_args *a);
#endif
