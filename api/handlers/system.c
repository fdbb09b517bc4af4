/* system: is it alive, is it ready, what does it speak. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/digest.h"
#include "service/base/file.h"
#include "service/base/limits.h"
#include "service/port/enumerate.h"

/* openapi.yaml and its JSON form, put into the program by the Makefile. */
extern const char _binary_openapi_yaml_start[], _binary_openapi_yaml_end[];
extern const char _binary_build_openapi_json_start[], _binary_build_openapi_json_end[];

struct reply handle_health(struct request *rq, const struct service *svc)
{
    (void)rq;
    return reply_json(200, json_pack("{s:s, s:s}", "status", "ok", "version", svc->version));
}

/* One line of readiness; what is wrong is told by the error of this thread. @return @p e */
static enum err check(json_t *checks, const char *name, enum err e)
{
    json_array_append_new(checks,
                          json_pack("{s:s, s:b, s:o}", "name", name, "ok", e == ERR_OK, "detail",
                                    e ? json_text(err_last()->detail) : json_null()));
    return e;
}

static enum err disk_has_room(const char *dir)
{
    struct statvfs disk;
    if (statvfs(dir, &disk) != 0) return file_error(dir);
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (free_bytes >= LIMIT_DISK_FREE) return ERR_OK;
    return err_fail(ERR_IO, "disk_full", "Make room.", "%s has %llu bytes left", dir,
                    (unsigned long long)free_bytes);
}

static enum err ports_listed(const struct service *svc)
{
    struct port_list ports;
    enum err e = enumerate_ports(svc->port_globs, svc->port_glob_count, &ports);
    free(ports.items);
    return e;
}

/* Slots that stand still are as somebody wanted them: told, and no reason to be not ready. */
static void tell_held(json_t *checks, const struct service *svc)
{
    struct slot_load *list;
    size_t n, held = 0;
    char text[64];
    if (jobs_loads(svc->jobs, &list, &n)) n = 0;
    for (size_t i = 0; i < n; i++)
        held += list[i].hold != HOLD_NONE;
    free(list);
    snprintf(text, sizeof text, "%zu paused or draining", held);
    json_array_append_new(checks, json_pack("{s:s, s:b, s:o}", "name", "slots", "ok", 1, "detail",
                                            held ? json_string(text) : json_null()));
}

struct reply handle_readiness(struct request *rq, const struct service *svc)
{
    json_t *checks = json_array();
    unsigned wrong = check(checks, "store", store_ping(svc->store)) != ERR_OK;
    wrong += check(checks, "disk", disk_has_room(svc->data_dir)) != ERR_OK;
    wrong += check(checks, "vault", store_check_vault(svc->store)) != ERR_OK;
    wrong += check(checks, "ports", ports_listed(svc)) != ERR_OK;
    tell_held(checks, svc);
    if (!wrong)
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
    r.keep = KEEP_ASK;
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
