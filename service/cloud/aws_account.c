#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/url.h"
#include "service/cloud/aws_core.h"
#include "service/cloud/iot_endpoint.h"

/* The origin as libcurl shows its host in the header Host: in small letters, and without a port
 * that is the default. */
static void set_host(const char *url, struct aws_host *out)
{
    bool safe = strncmp(url, "https://", 8) == 0;
    (void)url_refusal(url, &out->local);
    snprintf(out->origin, sizeof out->origin, "%s", url);
    for (char *c = out->origin; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    char *host = strstr(out->origin, "//") + 2, *port = strrchr(host, ':');
    if (port && strcmp(port, safe ? ":443" : ":80") == 0) *port = '\0';
    out->name = host;
}

static enum err find_hosts(const struct aws_config *c, struct aws_account *a)
{
    char host[AWS_ORIGIN], url[AWS_ORIGIN + 16];
    if (!iot_region_is_valid(c->region))
        return err_fail(ERR_ARG, "bad_region", "Send a region's name, such as us-east-2.",
                        "%s is not a region's name", c->region);
    enum err e = c->endpoint ? iot_control_url_check(c->endpoint) : ERR_OK;
    if (e) return e;
    snprintf(a->region, sizeof a->region, "%s", c->region);
    iot_control_host(c->region, host, sizeof host);
    snprintf(url, sizeof url, "https://%s", host);
    set_host(c->endpoint ? c->endpoint : url, &a->control);
    /* What stands in for AWS on this machine stands in for all of it. */
    snprintf(url, sizeof url, "https://sts%s", host + strlen("iot"));
    set_host(a->control.local ? a->control.origin : url, &a->sts);
    return ERR_OK;
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
