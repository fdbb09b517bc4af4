/* exposition: figures as text, as OpenMetrics 1.0 or in the older format of Prometheus (0.0.4). */
#ifndef API_EXPOSITION_H
#define API_EXPOSITION_H

#include <stdbool.h>

#include "service/base/buf.h"
#include "service/base/metrics.h"

enum exposition_type { EXPOSE_COUNTER, EXPOSE_GAUGE, EXPOSE_HISTOGRAM, EXPOSE_INFO };

struct exposition {
    struct buf *out; /* failed when it did not fit: test it at the end */
    bool open;       /* OpenMetrics */
    const char *family;
    enum exposition_type type;
};

/** Begin a family; its figures follow. @param name  without _total */
void expose(struct exposition *x, enum exposition_type type, const char *name, const char *help);
/** One more label behind others. */
struct label {
    const char *name, *value; /* name NULL: the last was before */
};
/** @param labels  ends with a name that is NULL; NULL = none */
void expose_value(struct exposition *x, const struct label *labels, double value);
void expose_histogram(struct exposition *x, const struct label *labels, const struct histogram *h,
                      const struct histogram_scale *s);
void expose_end(struct exposition *x);
#endif
