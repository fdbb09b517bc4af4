/* stock: where the parts of a stock flash image carry what the booting firmware looks for. */
#ifndef TESTS_BOARD_FIRMWARE_STOCK_H
#define TESTS_BOARD_FIRMWARE_STOCK_H

#include <stddef.h>
#include <stdint.h>

enum {
    STOCK_APP_VERSION_AT = 48, /* version text of the description in an application image */
};

/** The dummy credentials of stock releases. Text in PEM, made at run time; free() each. */
struct stock_credentials {
    char *ca, *certificate, *key;
};
/** @return 0, or -1 when OpenSSL refuses (nothing to free then) */
int stock_credentials_make(struct stock_credentials *out);
void stock_credentials_dispose(struct stock_credentials *c);
#endif
