/* target: which of a board's credentials is meant. ESP-AT keeps several: for MQTT, for TLS client
 * sockets (two of them), for its TLS server, WPA2-Enterprise, HTTPS and WebSocket (esp-at.md 1.2,
 * 2.3, 3.1). */
#ifndef SERVICE_PKI_TARGET_H
#define SERVICE_PKI_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"
#include "service/pki/credential.h"

enum target_kind {
    TARGET_MQTT,
    TARGET_CLIENT,
    TARGET_SERVER,
    TARGET_WPA2,
    TARGET_HTTPS,
    TARGET_WSS,
    TARGET_KINDS
};

struct target {
    enum target_kind kind;
    unsigned index; /* 0; 1 too where target_is_indexed() */
};

enum { TARGET_NAME = 17, TARGET_INDEXES = 2, TARGET_PARTS = 3 };

/** "mqtt", "client", "server", "wpa2", "https", "wss"; NULL-ended for json_in. */
extern const char *const target_kind_names[];
const char *target_kind_name(enum target_kind k);
/** May it have index 1? client, https and wss. */
bool target_is_indexed(enum target_kind k);

/** "mqtt", "client.1": as records keep it. */
void target_text(const struct target *t, char out[TARGET_NAME]);
/** The way back. @return false when it is none */
bool target_parse(const char *text, struct target *out);

/** "mqtt_cert", "client_key" …: the raw partition of a part where credentials are in partitions. */
void target_partition(const struct target *t, enum credential_part part, char out[TARGET_NAME]);

/** Where a part is in mfg_nvs. */
struct target_place {
    char space[TARGET_NAME], key[TARGET_NAME]; /* "client_cert", "client_cert.0" */
};
/** @param spaces  the namespaces that the board has (wpa2_* is wpa_ent_* after v5.0.1; https_* and
 * wss_* are there since v4.1 only)
 *  @return ERR_OK; ERR_UNSUPPORTED with code kind_not_on_board: this firmware has no such
 * credential */
enum err target_nvs_place(const struct target *t, enum credential_part part,
                          const char *const *spaces, size_t space_count, struct target_place *out);
#endif
