/* mac: the address of a board in a name that people gave a certificate or a file. */
#ifndef SERVICE_BASE_MAC_H
#define SERVICE_BASE_MAC_H

#include <stdbool.h>

enum { MAC_TEXT = 18 };

/** Find the first run of 12 hexadecimal digits, bare or in pairs with one kind of separator
 * (":-_.") between them. Longer runs, UUIDs and addresses that no device can have are passed over.
 *  @param out  "24:0a:c4:12:34:56", lower-case; "" when there is none @return whether there is */
bool mac_find(const char *text, char out[MAC_TEXT]);
#endif
