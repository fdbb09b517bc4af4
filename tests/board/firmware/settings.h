/* settings: the user's settings (AT+CWMODE, AT+CWJAP, AT+UART_DEF). They live in the nvs partition
 * that the flash's own table names, in a form of this program (no host reads it): erasing the
 * partition, as AT+RESTORE does, brings the defaults back. */
#ifndef TESTS_BOARD_FIRMWARE_SETTINGS_H
#define TESTS_BOARD_FIRMWARE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct flash;
struct partition_table;

struct uart_config {
    uint32_t baud;
    uint8_t data_bits, stop_bits, parity, flow;
};

struct settings {
    uint8_t wifi_mode; /* 0 off, 1 station, 2 access point, 3 both */
    char ssid[33];     /* "" = no access point stored */
    char password[65];
    struct uart_config uart;
};

/** Defaults where nothing valid is stored; @p baud is the factory's. */
void settings_load(const struct flash *f, const struct partition_table *primary, uint32_t baud,
                   struct settings *out);
void settings_store(struct flash *f, const struct partition_table *primary,
                    const struct settings *s);
void settings_erase(struct flash *f, const struct partition_table *primary);
#endif
