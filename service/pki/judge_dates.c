/* Design: every certificate is judged, the worst finding is told. The device's own certificate and
 * the chain to the root must be valid; of other roots in a bundle one that is valid is enough,
 * since the board needs only the one that signed the broker. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "service/pki/judge.h"

enum { DAY_S = 86400, SOON_DAYS = 30 };

enum date_state { DATE_GOOD, DATE_SOON, DATE_TOO_EARLY, DATE_OVER, DATE_UNREADABLE };

struct finding {
    enum date_state state;
    bool ca, fatal;
    const struct upload_cert *cert;
};

int64_t judge_unix_s(const ASN1_TIME *t)
{
    struct tm tm;
    memset(&tm, 0, sizeof tm);
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1) return INT64_MIN;
    return (int64_t)timegm(&tm);
}

static enum date_state state_of(const X509 *x, int64_t now)
{
    int64_t from = judge_unix_s(X509_get0_notBefore(x)), to = judge_unix_s(X509_get0_notAfter(x));
    if (from == INT64_MIN || to == INT64_MIN) return DATE_UNREADABLE;
    if (now > to) return DATE_OVER;
    if (now < from) return DATE_TOO_EARLY;
    return to - now < (int64_t)SOON_DAYS * DAY_S ? DATE_SOON : DATE_GOOD;
}

static bool is_bad(enum date_state s)
{
    return s > DATE_SOON;
}

/* Fatal findings before others, bad before soon, the device's own certificate before the CAs. */
static int weight_of(const struct finding *f)
{
    if (f->state == DATE_GOOD) return 0;
    return (f->fatal ? 400 : 0) + (is_bad(f->state) ? 200 : 0) + (f->ca ? 0 : 100) + (int)f->state;
}

static void consider(struct finding *worst, const struct upload_cert *c, bool ca, bool needed,
                     int64_t now)
{
    struct finding f = {.state = state_of(c->x, now), .ca = ca, .cert = c};
    f.fatal = needed && is_bad(f.state);
    if (!worst->cert || weight_of(&f) > weight_of(worst)) *worst = f;
}

static bool any_root_is_valid(const struct roles *r, int64_t now)
{
    for (size_t i = 0; i < r->root_count; i++)
        if (!is_bad(state_of(r->roots[i]->x, now))) return true;
    return false;
}

static struct finding worst_of(const struct roles *r, int64_t now)
{
    struct finding worst = {.state = DATE_GOOD};
    bool one_is_enough = any_root_is_valid(r, now);
    if (r->leaf) consider(&worst, r->leaf, false, true, now);
    for (size_t i = 0; i < r->chain_count; i++)
        consider(&worst, r->chain[i], true, true, now);
    for (size_t i = 0; i < r->root_count; i++) {
        bool signed_it = r->chained && i == 0;
        if (r->roots[i] != r->leaf)
            consider(&worst, r->roots[i], true, signed_it || !one_is_enough, now);
    }
    return worst;
}

static const char *date_text(int64_t t, char out[32])
{
    time_t s = (time_t)t;
    struct tm tm;
    if (!gmtime_r(&s, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm))
        snprintf(out, 32, "an unknown date");
    return out;
}

static void tell_bad(const struct judge *j, const struct finding *f, const char *subject)
{
    char now[32], date[32];
    int64_t from = judge_unix_s(X509_get0_notBefore(f->cert->x));
    int64_t to = judge_unix_s(X509_get0_notAfter(f->cert->x));
    bool early = f->state == DATE_TOO_EARLY;
    enum check_verdict v = f->fatal && !j->rules->allow_dates ? CHECK_FAIL : CHECK_WARN;
    date_text(j->rules->now_unix_s, now);
    date_text(early ? from : to, date);
    if (f->state == DATE_UNREADABLE)
        check_add(j->out, "validity", v, "bad_date",
                  "The dates of %s (%s) cannot be read: get a new certificate.", f->cert->file,
                  subject);
    else if (early)
        check_add(j->out, "validity", v, f->ca ? "ca_not_yet_valid" : "cert_not_yet_valid",
                  "%s (%s) is valid from %s, now it is %s: wait, or correct the clock.",
                  f->cert->file, subject, date, now);
    else
        check_add(j->out, "validity", v, f->ca ? "ca_expired" : "cert_expired",
                  "%s (%s) expired on %s, now it is %s: get a new one.", f->cert->file, subject,
                  date, now);
}

void judge_dates(const struct judge *j)
{
    int64_t now = j->rules->now_unix_s;
    struct finding f = worst_of(j->roles, now);
    char subject[UPLOAD_SUBJECT], date[32];
    if (!f.cert) return;
    upload_subject(X509_get_subject_name(f.cert->x), subject, sizeof subject);
    if (is_bad(f.state)) {
        tell_bad(j, &f, subject);
        return;
    }
    int64_t to = judge_unix_s(X509_get0_notAfter(f.cert->x));
    date_text(to, date);
    if (f.state == DATE_SOON)
        check_add(j->out, "validity", CHECK_WARN, f.ca ? "ca_expires_soon" : "cert_expires_soon",
                  "%s (%s) expires in %" PRId64 " days, on %s: plan its replacement.", f.cert->file,
                  subject, (to - now) / DAY_S, date);
    else
        check_add(j->out, "validity", CHECK_PASS, "",
                  "Every certificate is valid now; %s until %s.", f.cert->file, date);
}
