/* shipped: what Espressif shipped for which module, where the board itself cannot be asked. */
#ifndef SERVICE_PKI_SHIPPED_H
#define SERVICE_PKI_SHIPPED_H

#include <stdbool.h>

#include "service/base/err.h"
#include "service/pki/layout.h"

/** The layout of an ESP-AT release on a module.
 *  @param module   as AT+GMR or the module's marking says it: "WROOM-32", "ESP32-WROVER-E",
 * "ESP32C3-MINI-1", "esp32c2-4mb"
 *  @param release  "v3.4.0.0", "3.4.0", "v2.2.0.0_esp32c3", "master"
 *  @param chip     of the board, "esp32c3": decides where several chips have a module of this name;
 * "" = not known
 *  @return ERR_OK; ERR_ARG with code module_unknown, module_ambiguous or release_unknown (the
 * detail names those that there are) */
enum err shipped_layout(const char *module, const char *release, const char *chip,
                        struct layout *out);

/** Is there firmware that cannot use a private key of this kind? */
bool shipped_key_may_trouble(const char *key_type);
/** Can this firmware not use a private key of this kind? v3.0 to v3.2 cannot use EC keys.
 *  @param version   "v3.2.0.0", "3.2.0(WROOM-32)"; "" = not known
 *  @param key_type  as in struct credential_info
 *  @return a sentence that says so, constant; NULL when it can, as far as is known */
const char *shipped_key_trouble(const char *version, const char *key_type);
#endif
