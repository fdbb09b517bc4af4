#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/aws_core.h"

static bool is_local(const char *host, size_t n)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && memcmp(names[i], host, n) == 0) return true;
    return false;
}

static enum err bad_endpoint(const char *url)
{
    return err_fail(ERR_ARG, "bad_endpoint",
                    "Send https:// and the host of AWS's control plane, or leave it out.",
                    "%s is not the address of a control plane", url);
}

static bool is_region(const char *s)
{
    size_t n = strlen(s);
    return n > 4 && n < AWS_REGION && strchr(s, '-') && s[0] >= 'a' && s[0] <= 'z' &&
           s[n - 1] >= '0' && s[n - 1] <= '9' &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* Of "https://host[:port]", the port as libcurl shows it in the header Host: not the default. */
static enum err read_endpoint(const char *url, struct aws_host *out)
{
    bool safe = strncmp(url, "https://", 8) == 0;
    size_t head = safe ? 8 : 7;
    if (strlen(url) >= sizeof out->origin || (!safe && strncmp(url, "http://", 7) != 0))
        return bad_endpoint(url);
    snprintf(out->origin, sizeof out->origin, "%s", url);
    for (char *c = out->origin; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    char *host = out->origin + head;
    char *port = host + (*host == '[' ? strcspn(host, "]") : strcspn(host, ":"));
    if (*port == ']') port++;
    if (strcmp(port, safe ? ":443" : ":80") == 0) *port = '\0';
    out->local = is_local(host, (size_t)(port - host));
    if (port == host || (!safe && !out->local)) return bad_endpoint(url);
    out->name = out->origin + head;
    return ERR_OK;
}

static enum err find_hosts(const struct aws_config *c, struct aws_account *a)
{
    char url[AWS_ORIGIN];
    const char *china = strncmp(c->region, "cn-", 3) == 0 ? ".cn" : "";
    if (!is_region(c->region))
        return err_fail(ERR_ARG, "bad_region", "Send a region's name, such as us-east-2.",
                        "%s is not a region's name", c->region);
    snprintf(a->region, sizeof a->region, "%s", c->region);
    snprintf(url, sizeof url, "https://iot.%s.amazonaws.com%s", c->region, china);
    enum err e = read_endpoint(c->endpoint ? c->endpoint : url, &a->control);
    /* What stands in for AWS stands in for all of it. */
    snprintf(url, sizeof url, "https://sts.%s.amazonaws.com%s", c->region, china);
    return e ? e : read_endpoint(a->control.local ? a->control.origin : url, &a->sts);
}

enum err aws_account_open(const struct aws_config *c, struct aws_account **out)
{
    *out = NULL;
    enum err e = ERR_OK;
    struct aws_account *a = calloc(1, sizeof *a);
    if (!a) {
        if (c->keys_free) c->keys_free(c->keys_arg);
        return err_set(ERR_MEM, "out of memory");
    }
    *a = (struct aws_account){.refs = 1,
                              .source = c->keys,
                              .source_free = c->keys_free,
                              .source_arg = c->keys_arg,
                              .renewing = {-1},
                              .connecting = {-1},
                              .service = "iot"};
    pthread_mutex_init(&a->lock, NULL);
    aws_rates_init(&a->rates, c->rate_percent);
    e = find_hosts(c, a);
    if (!e) e = curl_library_load(&a->curl);
    if (!e) e = gate_init(&a->renewing, 1);
    if (!e) e = gate_init(&a->connecting, AWS_CONNECTIONS);
    if (!e && c->ca_pem && !(a->ca_pem = strdup(c->ca_pem))) e = err_set(ERR_MEM, "out of memory");
    if (e) {
        aws_account_unref(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

struct aws_account *aws_account_ref(struct aws_account *a)
{
    atomic_fetch_add(&a->refs, 1);
    return a;
}

void aws_account_unref(struct aws_account *a)
{
    if (!a || atomic_fetch_sub(&a->refs, 1) != 1) return;
    while (a->n_idle)
        a->curl->curl_multi_cleanup(a->idle[--a->n_idle]);
    if (a->source_free) a->source_free(a->source_arg);
    gate_dispose(&a->renewing);
    gate_dispose(&a->connecting);
    pthread_mutex_destroy(&a->lock);
    free(a->ca_pem);
    explicit_bzero(&a->keys, sizeof a->keys);
    free(a);
}

const char *aws_account_region(const struct aws_account *a)
{
    return a->region;
}

int64_t aws_account_clock_off_s(const struct aws_account *a)
{
    return atomic_load(&a->clock_heard_s);
}
