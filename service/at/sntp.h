/* sntp: the board's clock, without which no TLS certificate is valid to it. */
#ifndef SERVICE_AT_SNTP_H
#define SERVICE_AT_SNTP_H

#include <stdint.h>

#include "service/at/client.h"

/** AT+CIPSNTPCFG=1,<zone>,"<server>", then wait for +TIME_UPDATED or ask AT+CIPSNTPTIME? each
 * second until the year is 2023 or later. @param zone  hours, −12…14 @param[out] unix_s_out  the
 * board's clock, in UTC
 *  @return ERR_OK; ERR_TIMEOUT with code time_not_synced */
enum err at_sntp_sync(struct at_client *c, const char *server, int zone, struct deadline until,
                      int64_t *unix_s_out);
/** AT+CIPSNTPTIME?. @param zone  that was set last: the answer is in it @param[out] synced_out
 * whether it is set at all (1970 otherwise) */
enum err at_sntp_time(struct at_client *c, int zone, struct deadline until, bool *synced_out,
                      int64_t *unix_s_out);
#endif
