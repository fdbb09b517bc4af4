#include "service/cloud/aws_rate.h"

#include <string.h>

/* AWS's default rates of an account in a region, calls a second: Service Quotas of AWS IoT Core.
 * Row 0 is for all that is not listed, together. */
static const struct {
    const char *operation;
    unsigned rate;
} known[] = {
    {"", 10},
    {"DescribeThing", 350},
    {"CreateThing", 100},
    {"UpdateThing", 100},
    {"DeleteThing", 100},
    {"AttachThingPrincipal", 100},
    {"AddThingToThingGroup", 100},
    {"RemoveThingFromThingGroup", 100},
    {"ListThingPrincipals", 20},
    {"CreateCertificateFromCsr", 15},
    {"AttachPolicy", 15},
    {"DetachPolicy", 15},
    {"ListAttachedPolicies", 15},
    {"CreateKeysAndCertificate", 10},
    {"RegisterCertificate", 10},
    {"RegisterCertificateWithoutCA", 10},
    {"DescribeCertificate", 10},
    {"UpdateCertificate", 10},
    {"DeleteCertificate", 10},
    {"ListCertificates", 10},
    {"CreatePolicy", 10},
    {"GetPolicy", 10},
    {"DeletePolicy", 10},
    {"ListTargetsForPolicy", 10},
    {"ListPrincipalThings", 10},
    {"RegisterThing", 10},
    {"CreateProvisioningClaim", 10},
    /* Not in the list of quotas: assumed. */
    {"DescribeEndpoint", 10},
    {"DetachThingPrincipal", 10},
    {"TestAuthorization", 10},
    {"GetCallerIdentity", 10},
};
enum { KNOWN = sizeof known / sizeof *known };
_Static_assert((int)KNOWN <= (int)AWS_RATE_ROWS, "a bucket for each");

static const int64_t SECOND_NS = 1000000000;
static const double GROWTH = 0.05, LEAST = 1.0 / 16; /* of the rate: a second, and at least */

static size_t row(const char *operation)
{
    size_t i = KNOWN - 1;
    while (i && strcmp(known[i].operation, operation) != 0)
        i--;
    return i;
}

static double share_now(const struct aws_rate *b, int64_t now_ns)
{
    if (b->share == 0) return 1;
    double share = b->share + GROWTH * (double)(now_ns - b->share_ns) / (double)SECOND_NS;
    return share < 1 ? share : 1;
}

void aws_rates_init(struct aws_rates *r, unsigned percent)
{
    memset(r, 0, sizeof *r);
    r->percent = percent ? percent : AWS_RATE_PERCENT;
}

double aws_rates_now(const struct aws_rates *r, const char *operation, int64_t now_ns)
{
    size_t i = row(operation);
    return known[i].rate * share_now(&r->rows[i], now_ns) * r->percent / 100;
}

static int64_t each_ns(double rate)
{
    return (int64_t)((double)SECOND_NS / rate);
}

/* So many at once that no second has more than a quarter above the rate: within AWS's own, since
 * ours is usually four fifths of it. */
static int64_t ahead_ns(double rate)
{
    int64_t at_once = (int64_t)(rate / 4);
    return at_once > 1 ? (at_once - 1) * each_ns(rate) : 0;
}

int64_t aws_rates_take(struct aws_rates *r, const char *operation, int64_t now_ns,
                       int64_t latest_ns)
{
    struct aws_rate *b = &r->rows[row(operation)];
    double rate = aws_rates_now(r, operation, now_ns);
    int64_t at_ns = b->full_at_ns - ahead_ns(rate);
    if (at_ns < now_ns) at_ns = now_ns;
    if (at_ns > latest_ns) return -1;
    b->full_at_ns = (b->full_at_ns > at_ns ? b->full_at_ns : at_ns) + each_ns(rate);
    return at_ns;
}

void aws_rates_refused(struct aws_rates *r, const char *operation, int64_t now_ns, int64_t wait_ns)
{
    struct aws_rate *b = &r->rows[row(operation)];
    double half = share_now(b, now_ns) / 2;
    if (b->share == 0 || now_ns - b->share_ns >= SECOND_NS) {
        b->share = half > LEAST ? half : LEAST;
        b->share_ns = now_ns;
    }
    int64_t full_at_ns = now_ns + wait_ns + ahead_ns(aws_rates_now(r, operation, now_ns));
    if (wait_ns && b->full_at_ns < full_at_ns) b->full_at_ns = full_at_ns;
}
