#include "service/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/origin.h"
#include "service/base/limits.h"

static enum err take_number(const char *text, unsigned long lo, unsigned long hi,
                            unsigned long *out)
{
    char *end;
    errno = 0;
    *out = strtoul(text, &end, 10);
    if (errno || *end || end == text || text[0] == '-' || *out < lo || *out > hi)
        return err_set(ERR_ARG, "\"%s\" is not a number from %lu to %lu", text, lo, hi);
    return ERR_OK;
}

/* ADDR:PORT, with an IPv6 address in brackets. */
static enum err take_listen(struct config *c, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return err_set(ERR_ARG, "--listen wants ADDR:PORT, not \"%s\"", text);
    const char *start = text;
    size_t n = (size_t)(colon - text);
    if (text[0] == '[' && n > 2 && text[n - 1] == ']') {
        start++;
        n -= 2;
    }
    if (n >= sizeof c->listen_address) return err_set(ERR_ARG, "--listen: address too long");
    memcpy(c->listen_address, start, n);
    c->listen_address[n] = '\0';
    if (strcmp(c->listen_address, "localhost") == 0)
        snprintf(c->listen_address, sizeof c->listen_address, "127.0.0.1");
    unsigned long port;
    enum err e = take_number(colon + 1, 0, 65535, &port);
    if (e) return err_wrap(e, "--listen");
    c->listen_port = (uint16_t)port;
    return ERR_OK;
}

static enum err take_data(struct config *c, const char *text)
{
    if (!*text || strlen(text) >= sizeof c->data_dir)
        return err_set(ERR_ARG, "--data wants a folder");
    snprintf(c->data_dir, sizeof c->data_dir, "%s", text);
    return ERR_OK;
}

static enum err take_ports(struct config *c, const char *glob)
{
    if (!*glob) return err_set(ERR_ARG, "--ports wants a path, in which * may stand");
    if (c->port_count == CONFIG_PORTS_MAX)
        return err_set(ERR_ARG, "more than %d --ports", CONFIG_PORTS_MAX);
    c->ports[c->port_count++] = glob;
    return ERR_OK;
}

static enum err take_auth(struct config *c, const char *text)
{
    c->open = strcmp(text, "none") == 0;
    if (c->open || strcmp(text, "token") == 0) return ERR_OK;
    return err_set(ERR_ARG, "--auth is token or none, not \"%s\"", text);
}

static enum err take_insecure(struct config *c, const char *text)
{
    c->insecure = strcmp(text, "yes") == 0;
    if (c->insecure || strcmp(text, "no") == 0) return ERR_OK;
    return err_set(ERR_ARG, "it is yes or no, not \"%s\"", text);
}

static enum err take_origin(struct config *c, const char *text)
{
    if (!origin_is_valid(text))
        return err_set(ERR_ARG,
                       "--origin wants one as browsers send it, https://dashboard.example, not "
                       "\"%s\"",
                       text);
    if (c->origin_count == CONFIG_ORIGINS_MAX)
        return err_set(ERR_ARG, "more than %d --origin", CONFIG_ORIGINS_MAX);
    c->origins[c->origin_count++] = text;
    return ERR_OK;
}

static enum err take_level(struct config *c, const char *text)
{
    if (log_level_parse(text, &c->log_level)) return ERR_OK;
    return err_set(ERR_ARG, "--log-level is error, warn, info or debug, not \"%s\"", text);
}

static enum err take_log_format(struct config *c, const char *text)
{
    c->log_json = strcmp(text, "json") == 0;
    if (c->log_json || strcmp(text, "text") == 0) return ERR_OK;
    return err_set(ERR_ARG, "--log-format is text or json, not \"%s\"", text);
}

static enum err take_tls_cert(struct config *c, const char *file)
{
    c->tls_cert = file;
    return ERR_OK;
}

static enum err take_tls_key(struct config *c, const char *file)
{
    c->tls_key = file;
    return ERR_OK;
}

static enum err take_client_ca(struct config *c, const char *file)
{
    c->client_ca = file;
    return ERR_OK;
}

static enum err tls_is_whole(const struct config *c)
{
    if (!c->tls_cert != !c->tls_key)
        return err_set(ERR_ARG, "--tls-cert and --tls-key need each other");
    if (c->client_ca && !c->tls_cert)
        return err_set(ERR_ARG, "--client-ca needs --tls-cert and --tls-key");
    return ERR_OK;
}

static enum err take_max_body(struct config *c, const char *text)
{
    unsigned long n;
    enum err e = take_number(text, 1024, 1UL << 30, &n);
    if (e) return err_wrap(e, "--max-body");
    c->max_body = n;
    return ERR_OK;
}

static enum err take_keep_days(struct config *c, const char *text)
{
    unsigned long n;
    enum err e = take_number(text, 0, 36500, &n);
    if (e) return err_wrap(e, "--keep-days");
    c->keep_days = (unsigned)n;
    return ERR_OK;
}

/* Where a program keeps its data: the system's place for root, the user's own for everybody else,
 * who could not write there (XDG base directories). */
static void default_data(struct config *c)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        snprintf(c->data_dir, sizeof c->data_dir, "%s/espgate", xdg);
    else if (geteuid() != 0 && home && *home)
        snprintf(c->data_dir, sizeof c->data_dir, "%s/.local/share/espgate", home);
    else
        snprintf(c->data_dir, sizeof c->data_dir, "/var/lib/espgate");
}

static void defaults(struct config *c)
{
    memset(c, 0, sizeof *c);
    snprintf(c->listen_address, sizeof c->listen_address, "127.0.0.1");
    c->listen_port = 8080;
    c->max_body = LIMIT_FIRMWARE;
    c->keep_days = LIMIT_KEEP_DAYS;
    c->log_level = LOG_INFO;
    default_data(c);
}

static enum err take_port_list(struct config *c, const char *text)
{
    enum err e = ERR_OK;
    if (strlen(text) >= sizeof c->ports_env) return err_set(ERR_ARG, "too long");
    snprintf(c->ports_env, sizeof c->ports_env, "%s", text);
    char *rest = c->ports_env, *one;
    while (!e && (one = strsep(&rest, ":")))
        if (*one) e = take_ports(c, one);
    return e;
}

static enum err take_origin_list(struct config *c, const char *text)
{
    enum err e = ERR_OK;
    snprintf(c->origins_env, sizeof c->origins_env, "%s", text);
    char *rest = c->origins_env, *one;
    while (!e && (one = strsep(&rest, " ")))
        if (*one) e = take_origin(c, one);
    return e;
}

static enum err take_backup(struct config *c, const char *file)
{
    c->action = CONFIG_BACKUP;
    c->backup_file = file;
    return ERR_OK;
}

static enum err take_verify_audit(struct config *c, const char *text)
{
    (void)text;
    c->action = CONFIG_VERIFY_AUDIT;
    return ERR_OK;
}

static enum err take_routes(struct config *c, const char *text)
{
    (void)text;
    c->action = CONFIG_ROUTES;
    return ERR_OK;
}

static enum err take_version(struct config *c, const char *text)
{
    (void)text;
    c->action = CONFIG_VERSION;
    return ERR_OK;
}

static enum err take_help(struct config *c, const char *text)
{
    (void)text;
    c->action = CONFIG_HELP;
    return ERR_OK;
}

typedef enum err (*take_fn)(struct config *c, const char *text);

#define MORE "\n                       " /* a further line of help */

/* Every option, once. */
static const struct row {
    const char *name, *value; /* NULL: it takes none, and is "yes" */
    take_fn take;
    const char *help;
    const char *twin;  /* in the environment; NULL: none, since it is no setting */
    take_fn take_twin; /* NULL: as the option */
} rows[] = {
    {"listen", "ADDR:PORT", take_listen, "default 127.0.0.1:8080; port 0 takes a free one",
     "ESPGATE_LISTEN", NULL},
    {"data", "DIR", take_data,
     "database and vault; default $XDG_DATA_HOME/espgate, else" MORE
     "~/.local/share/espgate, for root /var/lib/espgate",
     "ESPGATE_DATA", NULL},
    {"ports", "GLOB", take_ports,
     "more serial ports than those found (/dev/ttyAMA0); may be repeated", "ESPGATE_PORTS",
     take_port_list},
    {"auth", "token|none", take_auth,
     "who may call: whoever has a token (the default; the first one" MORE
     "is written to DIR/admin.token), or everybody",
     "ESPGATE_AUTH", NULL},
    {"origin", "ORIGIN", take_origin,
     "web pages from there may call too, https://dashboard.example;" MORE "may be repeated",
     "ESPGATE_ORIGINS", take_origin_list},
    {"insecure", NULL, take_insecure,
     "listen on other addresses than loopback also with --auth none" MORE "or without TLS",
     "ESPGATE_INSECURE", NULL},
    {"log-level", "L", take_level, "error, warn, info or debug; default info", "ESPGATE_LOG_LEVEL",
     NULL},
    {"log-format", "F", take_log_format, "text or json, one object a line; default text",
     "ESPGATE_LOG_FORMAT", NULL},
    {"tls-cert", "FILE", take_tls_cert,
     "PEM: the server's certificate and those between it and its" MORE "root; read again on SIGHUP",
     "ESPGATE_TLS_CERT", NULL},
    {"tls-key", "FILE", take_tls_key, "PEM: its key", "ESPGATE_TLS_KEY", NULL},
    {"client-ca", "FILE", take_client_ca,
     "PEM: only clients with a certificate of these authorities" MORE "are let in",
     "ESPGATE_CLIENT_CA", NULL},
    {"max-body", "BYTES", take_max_body, "largest request body; default 67108864",
     "ESPGATE_MAX_BODY", NULL},
    {"keep-days", "N", take_keep_days,
     "jobs that have ended, with their logs, and events are kept so" MORE
     "long; default 90, 0 = for ever",
     "ESPGATE_KEEP_DAYS", NULL},
    {"backup", "FILE", take_backup,
     "copy the database into a new file and end, also while a" MORE "service runs with it", NULL,
     NULL},
    {"verify-audit", NULL, take_verify_audit,
     "check that no entry of the audit was changed or taken out," MORE
     "and end; exit status 3: one was",
     NULL, NULL},
    {"routes", NULL, take_routes, "print the routes and end", NULL, NULL},
    {"version", NULL, take_version, "print the version and end", NULL, NULL},
    {"help", NULL, take_help, "print this and end", NULL, NULL},
};

enum { ROWS = sizeof rows / sizeof *rows };

static enum err from_environment(struct config *c)
{
    for (const struct row *r = rows; r < rows + ROWS; r++) {
        const char *text = r->twin ? getenv(r->twin) : NULL;
        take_fn take = r->take_twin ? r->take_twin : r->take;
        enum err e = text ? take(c, text) : ERR_OK;
        if (e) return err_wrap(e, "%s", r->twin);
    }
    return ERR_OK;
}

static enum err from_options(struct config *c, int argc, char **argv)
{
    struct option options[ROWS + 1] = {{NULL, 0, NULL, 0}};
    int o, at = 0;
    enum err e = ERR_OK;
    for (size_t i = 0; i < ROWS; i++)
        options[i] =
            (struct option){rows[i].name, rows[i].value ? required_argument : no_argument, NULL, 0};
    opterr = 0;
    optind = 1;
    while (!e && (o = getopt_long(argc, argv, "", options, &at)) != -1) {
        if (o == 0)
            e = rows[at].take(c, rows[at].value ? optarg : "yes");
        else
            e = err_set(ERR_ARG, "%s: not an option, or its value is missing; see --help",
                        argv[optind - 1]);
    }
    if (!e && optind < argc) e = err_set(ERR_ARG, "%s: not an option; see --help", argv[optind]);
    return e;
}

enum err config_read(int argc, char **argv, struct config *out)
{
    defaults(out);
    enum err environment = from_environment(out);
    struct err_info saved = *err_last();
    enum err e = from_options(out, argc, argv);
    bool uses_data = out->action == CONFIG_SERVE || out->action == CONFIG_VERIFY_AUDIT ||
                     out->action == CONFIG_BACKUP;
    if (e || !uses_data) return e;
    if (environment) return err_restore(&saved);
    if (out->action != CONFIG_SERVE) return ERR_OK;
    return tls_is_whole(out);
}

void config_print_help(FILE *out)
{
    fputs("espgate: puts cloud identities into ESP32 boards that run ESP-AT\n\n"
          "  espgate [options]\n\n",
          out);
    for (const struct row *r = rows; r < rows + ROWS; r++) {
        char option[32];
        snprintf(option, sizeof option, "--%s %s", r->name, r->value ? r->value : "");
        fprintf(out, "  %-20s %s\n", option, r->help);
    }
    fputs("\nEach setting has a twin in the environment: ESPGATE_LISTEN, ESPGATE_DATA, "
          "ESPGATE_PORTS (with\n"
          "colons), ESPGATE_ORIGINS (with blanks), ESPGATE_INSECURE (yes or no), ESPGATE_AUTH "
          "and so on.\nThe address that it listens on is the dashboard in a browser. Logs go to "
          "standard error.\n",
          out);
}
