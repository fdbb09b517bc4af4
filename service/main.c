/* Wires the modules in order, waits for a signal, unwinds in reverse. */
#include <malloc.h>
#include <stdio.h>

#include "api/server.h"
#include "service/access/tokens.h"
#include "service/base/log.h"
#include "service/cloud/mqtt_check.h"
#include "service/config.h"
#include "service/firmware/shelf.h"
#include "service/hooks/hooks.h"
#include "service/jobs/jobs.h"
#include "service/jobs/run.h"
#include "service/process.h"
#include "service/register/accounts.h"
#include "service/register/keeper.h"
#include "service/store/retention.h"
#include "service/store/store.h"
#include "service/supervisor.h"
#include "service/upkeep.h"

/* What is running; each pointer is NULL until its part has started. */
struct parts {
    struct store *store;
    struct tokens *tokens;
    struct hooks *hooks;
    struct retention *retention;
    struct accounts *accounts;
    struct keeper *keeper;
    struct jobs *jobs;
    struct server *server;
};

/* What cannot be asked for is better kept. */
static bool is_known(const char *id, void *store)
{
    struct firmware_record firmware;
    enum err e = store_firmware_get(store, id, &firmware);
    firmware_record_dispose(&firmware);
    return e != ERR_NOT_FOUND;
}

static void changed(const struct job_record *job, const struct event_record *event, void *arg)
{
    struct parts *p = arg;
    server_changed(job, event, p->server);
    if (job && job_state_is_final(job->state)) hooks_wake(p->hooks);
}

static enum err start(const struct config *c, struct parts *p)
{
    enum err e = store_open(c->data_dir, &p->store);
    if (!e) e = shelf_open(c->data_dir, is_known, p->store);
    if (!e) e = tokens_open(p->store, &p->tokens);
    if (!e && !c->open) e = tokens_ensure_admin(p->tokens, c->data_dir);
    if (!e) e = retention_start(p->store, c->keep_days, &p->retention);
    if (!e) e = accounts_new(p->store, &p->accounts);
    if (!e) e = keeper_new(p->store, p->accounts, &p->keeper);
    if (!e) e = server_new(&p->server);
    if (!e)
        e = hooks_start(&(struct hooks_config){.store = p->store, .version = VERSION}, &p->hooks);
    if (e) return e;
    int socket;
    e = supervisor_socket(&socket);
    if (e) return e;
    struct server_config server = {.socket = socket,
                                   .address = c->listen_address,
                                   .port = c->listen_port,
                                   .max_body = c->max_body,
                                   .open = c->open,
                                   .insecure = c->insecure,
                                   .origins = c->origins,
                                   .origin_count = c->origin_count,
                                   .tls_cert = c->tls_cert,
                                   .tls_key = c->tls_key,
                                   .client_ca = c->client_ca};
    e = server_listen(p->server, &server);
    if (e) return e;
    struct jobs_config jobs = {.store = p->store,
                               .accounts = p->accounts,
                               .keeper = p->keeper,
                               .data_dir = c->data_dir,
                               .port_globs = c->ports,
                               .port_glob_count = c->port_count,
                               .run = run_command,
                               .changed = changed,
                               .changed_arg = p};
    e = jobs_start(&jobs, &p->jobs);
    if (!e) e = keeper_recover(p->keeper);
    if (e) return e;
    hooks_begin(p->hooks); /* what a former process owes */
    struct service svc = {.store = p->store,
                          .data_dir = c->data_dir,
                          .jobs = p->jobs,
                          .tokens = p->tokens,
                          .hooks = p->hooks,
                          .accounts = p->accounts,
                          .keeper = p->keeper,
                          .port_globs = c->ports,
                          .port_glob_count = c->port_count,
                          .version = VERSION};
    return server_start(p->server, &server, &svc);
}

static void stop(struct parts *p)
{
    /* Waiting requests are answered while the jobs still exist; the jobs end before the store that
     * keeps them. */
    server_stop(p->server);
    jobs_stop(p->jobs);
    keeper_free(p->keeper);
    hooks_stop(p->hooks);
    server_free(p->server);
    tokens_close(p->tokens);
    accounts_free(p->accounts);
    retention_stop(p->retention);
    store_close(p->store);
}

static enum err reload(void *parts)
{
    const struct parts *p = parts;
    return server_reload(p->server);
}

/* A job that is not there is looked for among those that live and in the store: whoever has these
 * two stuck does not come back from here, and the supervisor sees that. */
static void touch(void *parts)
{
    const struct parts *p = parts;
    struct job_record none = {.id = ""};
    if (jobs_get(p->jobs, "", &none) == ERR_OK) job_record_dispose(&none);
}

static int serve(const struct config *c)
{
    sigset_t set;
    process_prepare(&set);
    log_set_level(c->log_level);
    log_set_json(c->log_json);
    struct parts p = {0};
    enum err e = mqtt_check_global_init();
    if (!e) e = start(c, &p);
    if (e) {
        const struct err_info *why = err_last();
        log_error("cannot start", "code=%s detail=\"%s\" hint=\"%s\"", why->code, why->detail,
                  why->hint);
    } else {
        char url[SERVER_URL];
        server_url(p.server, url);
        printf("espgate " VERSION " listening on %s\n", url);
        fflush(stdout);
        malloc_trim(0); /* what the start alone needed */
        const struct supervisor_duty duty = {reload, touch, &p};
        int sig = supervisor_attend(&set, url, &duty);
        log_info("stopping", "signal=%d", sig);
    }
    stop(&p);
    mqtt_check_global_end();
    return e ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct config c;
    if (config_read(argc, argv, &c)) {
        fprintf(stderr, "espgate: %s\n", err_last()->detail);
        return 2;
    }
    switch (c.action) {
    case CONFIG_ROUTES:
        server_print_routes(stdout);
        return 0;
    case CONFIG_VERIFY_AUDIT:
        return upkeep_verify_audit(c.data_dir);
    case CONFIG_BACKUP:
        return upkeep_backup(c.data_dir, c.backup_file);
    case CONFIG_VERSION:
        puts("espgate " VERSION);
        return 0;
    case CONFIG_HELP:
        config_print_help(stdout);
        return 0;
    case CONFIG_SERVE:
        return serve(&c);
    }
    return 2;
}
