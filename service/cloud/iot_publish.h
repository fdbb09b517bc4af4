/* iot_publish: one message over HTTPS with a device's certificate. Where MQTT is dropped without a
 * word, this answers with a status. */
#ifndef SERVICE_CLOUD_IOT_PUBLISH_H
#define SERVICE_CLOUD_IOT_PUBLISH_H

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/cloud/aws_call.h"

struct iot_publish {
    const char *host;
    int port; /* 8443 */
    const char *certificate_pem, *key_pem, *root_ca_pem;
    const char *topic;
    const char *payload;
};
struct iot_publish_result {
    int status;           /* 0 = there was no answer */
    char error[AWS_NAME]; /* "Forbidden"; "" = none */
    char message[256];    /* what it said, printable */
    char why[256];        /* why there was no answer; "" = there was */
    long ms;
};
/** @return ERR_OK: the result tells, whatever it was; ERR_ARG, ERR_TOO_LARGE (host or topic);
 * ERR_CANCELLED; ERR_MEM; ERR_UNSUPPORTED with code no_libcurl */
enum err iot_publish_once(const struct iot_publish *p, struct cancel *cancel, struct deadline until,
                          struct iot_publish_result *out);
#endif
