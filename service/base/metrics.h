/* metrics: what the process counts of its own work, for monitoring. Counters only grow, and begin
 * at 0 with the process. Lock-free but for the making of a new row; any thread, any time. */
#ifndef SERVICE_BASE_METRICS_H
#define SERVICE_BASE_METRICS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum metric {
    METRIC_SERIAL_OUT,      /* bytes to boards */
    METRIC_SERIAL_IN,       /* bytes from boards */
    METRIC_FLASH_RETRIES,   /* pieces of work with a loader that were done again */
    METRIC_FLASH_SLOWDOWNS, /* changes to a lower speed since the wire did not carry the higher */
    METRIC_STORE_COMMITS,
    METRIC_STORE_WRITES,   /* operations in them */
    METRIC_STORE_FAULTS,   /* commits that did not succeed */
    METRIC_STREAMS_SLOW,   /* event streams that were ended since their clients did not read */
    METRIC_WEBHOOKS_TAKEN, /* calls of receivers that ended well */
    METRIC_WEBHOOKS_FAILED,
    METRIC_CLOUD_REQUESTS,    /* to control planes, repeated ones too */
    METRIC_CLOUD_CONNECTIONS, /* made for them */
    METRIC_CLOUD_RETRIES,
    METRIC_CLOUD_THROTTLED, /* requests that were refused as too many */
    METRIC_LOG_ERRORS,
    METRIC_LOG_WARNINGS,
    METRIC_COUNT
};
void metrics_add(enum metric m, uint64_t n);
uint64_t metrics_get(enum metric m);

enum { HISTOGRAM_BUCKETS = 16 };
/** Upper bounds of all buckets but the last, which has none; rising. */
struct histogram_scale {
    size_t n; /* at most HISTOGRAM_BUCKETS - 1 */
    uint64_t bounds_us[HISTOGRAM_BUCKETS - 1];
};
struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS]; /* of each bucket alone */
    _Atomic uint64_t sum_us;
};
void histogram_add(struct histogram *h, const struct histogram_scale *s, uint64_t us);

enum { TALLY_ROWS = 128, TALLY_LABEL = 64 };
struct tally_row {
    char labels[2][TALLY_LABEL];
    _Atomic uint64_t count;
    struct histogram times;
};
/** Rows by up to two labels. Their number is bounded, whatever the labels are: the last row is for
 * all that have none of their own, and its labels are "other". Zero-initialised, it is empty. */
struct tally {
    pthread_mutex_t making;
    _Atomic size_t n;
    struct tally_row rows[TALLY_ROWS];
};
/** The row of these labels, made if need be. @param b  "" = one label only */
struct tally_row *tally_row(struct tally *t, const char *a, const char *b);

/** Calls of clouds by operation and outcome: "ok" or an error's code. */
struct tally *metrics_cloud_calls(void);
#endif
