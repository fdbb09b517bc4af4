/* wifi: station mode and one access point. */
#ifndef SERVICE_AT_WIFI_H
#define SERVICE_AT_WIFI_H

#include "service/at/client.h"

struct at_wifi_state {
    char ssid[33], bssid[18], ip[46];
    int channel, rssi;
};

/** Settings of this session are not to be stored on the board (AT+SYSSTORE=0). Firmware without the
 * command (before v2.1) is no error: @p stored_out tells that it will store. */
enum err at_wifi_do_not_store(struct at_client *c, bool *stored_out);
/** The opposite (AT+SYSSTORE=1), in case somebody switched it off. */
enum err at_wifi_do_store(struct at_client *c);
/** Has the board lost the access point since at_wifi_join()? Told once. */
bool at_wifi_is_lost(struct at_client *c);
/** AT+CWMODE=1, AT+CWJAP. @return ERR_OK; ERR_DEVICE with code wifi_timeout, wifi_wrong_password,
 * wifi_not_found, wifi_failed (from +CWJAP:<code>); ERR_ARG for an SSID over 32 or a password over
 * 64 bytes */
enum err at_wifi_join(struct at_client *c, const char *ssid, const char *password,
                      struct deadline until);
/** Where it is joined. @return ERR_OK, ERR_NOT_FOUND when it is not joined */
enum err at_wifi_query(struct at_client *c, struct at_wifi_state *out, struct deadline until);
/** AT+CWQAP. Where settings are stored, the board forgets the network with it. */
enum err at_wifi_leave(struct at_client *c, struct deadline until);
#endif
