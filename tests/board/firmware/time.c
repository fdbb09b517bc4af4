#include "tests/board/firmware/time.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/board/firmware/firmware.h"
#include "tests/board/firmware/sntp.h"

#define SECOND_NS      UINT64_C(1000000000)
#define RETRY_FIRST_NS (15 * SECOND_NS)
#define RETRY_LAST_NS  (150 * SECOND_NS)
enum { INTERVAL_S = 3600, INTERVAL_MIN_S = 15, INTERVAL_MAX_S = 4294967 };
enum { ZONE_HOURS_MAX = 14, ZONE_LIMIT = 1400 };

/* The board's clock minus CLOCK_MONOTONIC. Outside the firmware's own memory: it outlives a
 * software reset. Atomic: the MQTT thread reads it to judge certificates. */
static _Atomic int64_t clock_offset_ns;

static int64_t clock_now_ns(void)
{
    return (int64_t)loop_now_ns() + atomic_load(&clock_offset_ns);
}

static void clock_set(int64_t unix_ns)
{
    atomic_store(&clock_offset_ns, unix_ns - (int64_t)loop_now_ns());
}

int64_t time_now_s(void)
{
    return clock_now_ns() / (int64_t)SECOND_NS;
}

static void on_answer(int64_t unix_ns, void *arg)
{
    struct firmware *fw = arg;
    struct timekeeping *t = &fw->time;
    /* The next timer drops the finished question: it must not be freed inside its own call. */
    if (unix_ns >= 0) {
        clock_set(unix_ns);
        t->retry_ns = RETRY_FIRST_NS;
        timer_arm(t->next, t->interval_s * SECOND_NS);
        if (fw->version->at_level >= 300) at_print(fw, "+TIME_UPDATED\r\n");
        return;
    }
    t->turn = (t->turn + 1) % t->servers;
    timer_arm(t->next, t->retry_ns);
    t->retry_ns = t->retry_ns * 2 < RETRY_LAST_NS ? t->retry_ns * 2 : RETRY_LAST_NS;
}

static void on_next(void *arg)
{
    struct firmware *fw = arg;
    struct timekeeping *t = &fw->time;
    sntp_drop(t->asking);
    t->asking = NULL;
    if (!t->enabled) return;
    if (wifi_is_up(fw)) t->asking = sntp_ask(fw->env.loop, t->server[t->turn], on_answer, fw);
    if (!t->asking) timer_arm(t->next, RETRY_FIRST_NS);
}

void time_init(struct firmware *fw, enum reset_cause why)
{
    if (why != RESET_SOFTWARE) clock_set(0);
    fw->time.interval_s = INTERVAL_S;
    fw->time.next = timer_new(fw->env.loop, on_next, fw);
}

void time_dispose(struct firmware *fw)
{
    sntp_drop(fw->time.asking);
    timer_free(fw->time.next);
}

static int64_t zone_seconds(long zone)
{
    if (zone >= -ZONE_HOURS_MAX && zone <= ZONE_HOURS_MAX) return zone * 3600;
    return (zone / 100) * 3600 + (zone % 100) * 60;
}

void cmd_cipsntpcfg_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    const struct timekeeping *t = &fw->time;
    if (!t->enabled) {
        at_print(fw, "+CIPSNTPCFG:0,0\r\n");
        at_ok(fw);
        return;
    }
    at_print(fw, "+CIPSNTPCFG:1,%ld", t->zone);
    for (unsigned i = 0; i < t->servers; i++)
        at_print(fw, ",\"%s\"", t->server[i]);
    at_print(fw, "\r\n");
    at_ok(fw);
}

static bool read_servers(struct firmware *fw, const struct at_args *a, struct timekeeping *out)
{
    static const char *const defaults[] = {"cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org"};
    out->servers = 0;
    for (size_t i = 2; i < a->count && i < 2 + SNTP_SERVERS; i++) {
        if (!at_str(fw, a, i, out->server[out->servers], sizeof out->server[0])) return false;
        out->servers++;
    }
    if (out->servers) return true;
    for (; out->servers < SNTP_SERVERS; out->servers++)
        snprintf(out->server[out->servers], sizeof out->server[0], "%s", defaults[out->servers]);
    return true;
}

void cmd_cipsntpcfg_set(struct firmware *fw, const struct at_args *a)
{
    struct timekeeping *t = &fw->time, asked = *t; /* what is refused changes nothing */
    long enable, zone = 0;
    bool good = a->count <= 2 + SNTP_SERVERS && at_int(fw, a, 0, &enable) && enable >= 0 &&
                enable <= 1 && (enable == 0 || at_int(fw, a, 1, &zone)) && zone <= ZONE_LIMIT &&
                zone >= -ZONE_LIMIT;
    if (!good || (enable && !read_servers(fw, a, &asked))) {
        at_error(fw, 0);
        return;
    }
    *t = asked;
    t->enabled = enable != 0;
    t->zone = zone;
    t->turn = 0;
    t->retry_ns = RETRY_FIRST_NS;
    timer_arm(t->next, 0);
    at_ok(fw);
}

void cmd_cipsntpintv_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+CIPSNTPINTV:%u\r\n", (unsigned)fw->time.interval_s);
    at_ok(fw);
}

/* The recording shows no question before the interval that was under way is over. */
void cmd_cipsntpintv_set(struct firmware *fw, const struct at_args *a)
{
    long seconds;
    if (a->count != 1 || !at_int(fw, a, 0, &seconds) || seconds < INTERVAL_MIN_S ||
        seconds > INTERVAL_MAX_S) {
        at_error(fw, 0);
        return;
    }
    fw->time.interval_s = (uint32_t)seconds;
    at_ok(fw);
}

void cmd_cipsntptime_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    time_t local = (time_t)(time_now_s() + zone_seconds(fw->time.zone));
    struct tm tm;
    char text[32];
    gmtime_r(&local, &tm);
    strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &tm);
    at_print(fw, "+CIPSNTPTIME:%s\r\nOK\r\n", text);
    at_end(fw);
}

void cmd_systimestamp_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+SYSTIMESTAMP:%lld\r\nOK\r\n", (long long)time_now_s());
    at_end(fw);
}

void cmd_systimestamp_set(struct firmware *fw, const struct at_args *a)
{
    long seconds;
    if (a->count != 1 || !at_int(fw, a, 0, &seconds) || seconds < 0) {
        at_error(fw, 0);
        return;
    }
    clock_set((int64_t)seconds * (int64_t)SECOND_NS);
    at_ok(fw);
}
