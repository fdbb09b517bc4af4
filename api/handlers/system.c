/* system: is it alive, is it ready, what does it speak. */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/digest.h"
#include "service/port/enumerate.h"

/* openapi.yaml and its JSON form, put into the program by the Makefile. */
extern const char _binary_openapi_yaml_start[], _binary_openapi_yaml_end[];
extern const char _binary_build_openapi_json_start[], _binary_build_openapi_json_end[];

struct reply handle_health(struct request *rq, const struct service *svc)
{
    (void)rq;
    return reply_json(200, json_pack("{s:s, s:s}", "status", "ok", "version", svc->version));
}

/* One line of readiness; what is wrong is told by the error of this thread. */
static json_t *readiness_check(const char *name, enum err e)
{
    return json_pack("{s:s, s:b, s:o}", "name", name, "ok", e == ERR_OK, "detail",
                     e ? json_text(err_last()->detail) : json_null());
}

struct reply handle_readiness(struct request *rq, const struct service *svc)
{
    struct port_list ports;
    json_t *checks = json_array();
    enum err stored = store_ping(svc->store);
    json_array_append_new(checks, readiness_check("store", stored));
    enum err listed = enumerate_ports(svc->port_globs, svc->port_glob_count, &ports);
    json_array_append_new(checks, readiness_check("ports", listed));
    free(ports.items);
    if (!stored && !listed)
        return reply_json(200, json_pack("{s:s, s:o}", "status", "ready", "checks", checks));
    err_fail(ERR_IO, "not_ready", "The checks say what is wrong.",
             "espgate cannot do its work now");
    return reply_problem(rq, 503, "checks", checks);
}

static struct reply contract(struct request *rq, const char *type, const char *from, const char *to)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX], etag[SHA256_HEX + 2];
    digest_sha256(from, (size_t)(to - from), digest);
    snprintf(etag, sizeof etag, "\"%.32s\"", digest_hex(digest, sizeof digest, hex));
    struct reply r = reply_fixed(type, from, (size_t)(to - from));
    r.may_be_kept = true;
    return reply_with_etag(rq, r, etag);
}

struct reply handle_contract_yaml(struct request *rq, const struct service *svc)
{
    (void)svc;
    return contract(rq, "application/yaml", _binary_openapi_yaml_start, _binary_openapi_yaml_end);
}

struct reply handle_contract_json(struct request *rq, const struct service *svc)
{
    (void)svc;
    return contract(rq, "application/json", _binary_build_openapi_json_start,
                    _binary_build_openapi_json_end);
}
