/* probes: may these keys do each of what registering takes? One harmless call for each. Inside
 * service/register only. */
#ifndef SERVICE_REGISTER_PROBES_H
#define SERVICE_REGISTER_PROBES_H

#include "service/cloud/aws_iot.h"

/* What the calls are about: nothing that is there. */
struct probe_names {
    char thing[32], policy[32], other[32];
    char id[IOT_CERTIFICATE_ID], arn[AWS_ARN];
};
/** @param account  12 digits */
void probe_names_make(const char *region, const char *account, struct probe_names *out);

struct probe {
    const char *action; /* "iot:CreateThing" */
    const char *only;   /* what alone needs it, as words; NULL = every registration */
    enum err (*ask)(const struct aws_use *u, const struct probe_names *n);
};
extern const struct probe probes[];
extern const size_t probe_count;

enum probe_end { PROBE_ALLOWED, PROBE_DENIED, PROBE_UNKNOWN };
/** @param e  what ask() said */
enum probe_end probe_judge(enum err e);
#endif
