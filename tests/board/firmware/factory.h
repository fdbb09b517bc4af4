/* factory: what the factory wrote about the module: its name, transmit power, and where its AT port
 * is. In the partition factory_param of older releases (esp-at.md 3.4), in a namespace of that name
 * in mfg_nvs of newer ones (3.1). */
#ifndef TESTS_BOARD_FIRMWARE_FACTORY_H
#define TESTS_BOARD_FIRMWARE_FACTORY_H

#include <stdbool.h>
#include <stdint.h>

struct firmware;

/** Where a release's credentials and factory parameters are; the numbers are the firmware's own. */
enum param_mode { PARAMS_NOWHERE = 0, PARAMS_IN_NVS = 1, PARAMS_IN_PARTITIONS = 2 };

struct factory_param {
    bool found; /* module name and power are there */
    int8_t tx_power;
    int8_t uart_port;
    uint32_t baud;
    int8_t tx, rx, cts, rts;
    char module[33];
};

/** By what the second table lists, mounts mfg_nvs if it is there, and reads the parameters into
 *  fw->factory; what was built in stands where they are not there. Sets fw->params, fw->mfg. */
void factory_read(struct firmware *fw);
/** Is the AT port where this module's pins lead to? Bytes go nowhere on other pins. */
bool factory_port_is_wired(const struct firmware *fw);
#endif
