/* mqtt: the AT+MQTT… commands and their states. The link itself is mqtt_link. */
#ifndef TESTS_BOARD_FIRMWARE_MQTT_H
#define TESTS_BOARD_FIRMWARE_MQTT_H

#include <stdbool.h>
#include <stddef.h>

struct firmware;
struct mqtt {
    int dummy;
};
void mqtt_init(struct firmware *fw);
void mqtt_dispose(struct firmware *fw);
void mqtt_network(struct firmware *fw, bool up);
#endif
