/* uart: the speed of the board's AT port. It is changed for this session only (AT+UART_CUR): a
 * reset takes it back, and what the product has stored (AT+UART_DEF) is never touched. */
#ifndef SERVICE_AT_UART_H
#define SERVICE_AT_UART_H

#include <stdint.h>

#include "service/at/client.h"

/** The way back. */
struct at_uart {
    uint32_t fast, slow; /* baud; fast 0 = was never changed */
    char rest[32];       /* data bits, stop bits, parity and flow control as the board has them:
                            ",8,1,0,0" */
};

/** Take board and port to @p baud, for large transfers.
 *  @param[out] back_out  for at_uart_return(), also after an error; fast 0 = nothing was changed
 *  @return ERR_OK: the board answered at the new speed; ERR_UNSUPPORTED with code at_speed_refused
 * (the adapter or the board does not have this speed); as at_command() */
enum err at_uart_change(struct at_client *c, uint32_t baud, struct at_uart *back_out,
                        struct deadline until);
/** Take them back, wherever they are.
 *  @return ERR_OK: the board answered at the slow speed; ERR_TIMEOUT with code at_speed_lost; port
 * errors. The port is at the slow speed in any case */
enum err at_uart_return(struct at_client *c, const struct at_uart *back, struct deadline until);
#endif
