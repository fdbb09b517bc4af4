/* info: which firmware answers. */
#ifndef SERVICE_AT_INFO_H
#define SERVICE_AT_INFO_H

#include "service/at/client.h"

struct at_info {
    char at_version[64];  /* "2.4.0.0" */
    char bin_version[64]; /* "2.4.0" */
    char module[48];      /* "WROOM-32" */
    char sdk_version[64];
    char chip[16]; /* "esp32", "esp32c3"; "" when it cannot be told */
};
/** AT+GMR. @return ERR_OK, ERR_PROTOCOL with code at_no_version, as at_command() */
enum err at_info(struct at_client *c, struct at_info *out);
/** AT+CIPSTAMAC?, "24:0a:c4:12:34:56". @return ERR_OK, ERR_PROTOCOL with code at_bad_answer, as
 * at_command() */
enum err at_mac(struct at_client *c, char mac_out[18]);
#endif
