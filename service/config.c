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

static enum err from_environment(struct config *c)
{
    static const struct {
        const char *name;
        enum err (*take)(struct config *c, const char *text);
    } twins[] = {
        {"ESPGATE_LISTEN", take_listen},         {"ESPGATE_DATA", take_data},
        {"ESPGATE_LOG_LEVEL", take_level},       {"ESPGATE_MAX_BODY", take_max_body},
        {"ESPGATE_PORTS", take_port_list},       {"ESPGATE_AUTH", take_auth},
        {"ESPGATE_ORIGINS", take_origin_list},   {"ESPGATE_INSECURE", take_insecure},
        {"ESPGATE_LOG_FORMAT", take_log_format}, {"ESPGATE_TLS_CERT", take_tls_cert},
        {"ESPGATE_TLS_KEY", take_tls_key},       {"ESPGATE_CLIENT_CA", take_client_ca},
        {"ESPGATE_KEEP_DAYS", take_keep_days},
    };
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        const char *text = getenv(twins[i].name);
        enum err e = text ? twins[i].take(c, text) : ERR_OK;
        if (e) return err_wrap(e, "%s", twins[i].name);
    }
    return ERR_OK;
}

static enum err from_options(struct config *c, int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"ports", required_argument, NULL, 'p'},
                                            {"auth", required_argument, NULL, 'a'},
                                            {"insecure", no_argument, NULL, 'i'},
                                            {"origin", required_argument, NULL, 'o'},
                                            {"log-level", required_argument, NULL, 'v'},
                                            {"log-format", required_argument, NULL, 'f'},
                                            {"max-body", required_argument, NULL, 'm'},
                                            {"tls-cert", required_argument, NULL, 'c'},
                                            {"tls-key", required_argument, NULL, 'k'},
                                            {"client-ca", required_argument, NULL, 'C'},
                                            {"keep-days", required_argument, NULL, 'K'},
                                            {"backup", required_argument, NULL, 'b'},
                                            {"verify-audit", no_argument, NULL, 'A'},
                                            {"routes", no_argument, NULL, 'r'},
                                            {"version", no_argument, NULL, 'V'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int o;
    enum err e = ERR_OK;
    opterr = 0;
    optind = 1;
    while (!e && (o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'l':
            e = take_listen(c, optarg);
            break;
        case 'd':
            e = take_data(c, optarg);
            break;
        case 'p':
            e = take_ports(c, optarg);
            break;
        case 'a':
            e = take_auth(c, optarg);
            break;
        case 'i':
            e = take_insecure(c, "yes");
            break;
        case 'o':
            e = take_origin(c, optarg);
            break;
        case 'v':
            e = take_level(c, optarg);
            break;
        case 'f':
            e = take_log_format(c, optarg);
            break;
        case 'm':
            e = take_max_body(c, optarg);
            break;
        case 'c':
            e = take_tls_cert(c, optarg);
            break;
        case 'k':
            e = take_tls_key(c, optarg);
            break;
        case 'C':
            e = take_client_ca(c, optarg);
            break;
        case 'K':
            e = take_keep_days(c, optarg);
            break;
        case 'b':
            c->action = CONFIG_BACKUP;
            c->backup_file = optarg;
            break;
        case 'A':
            c->action = CONFIG_VERIFY_AUDIT;
            break;
        case 'r':
            c->action = CONFIG_ROUTES;
            break;
        case 'V':
            c->action = CONFIG_VERSION;
            break;
        case 'h':
            c->action = CONFIG_HELP;
            break;
        default:
            e = err_set(ERR_ARG, "%s: not an option, or its value is missing; see --help",
                        argv[optind - 1]);
            break;
        }
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
    fputs(
        "espgate: puts cloud identities into ESP32 boards that run ESP-AT\n"
        "\n"
        "  espgate [options]\n"
        "\n"
        "  --listen ADDR:PORT   default 127.0.0.1:8080; port 0 takes a free one\n"
        "  --data DIR           database and vault; default $XDG_DATA_HOME/espgate, else "
        "~/.local/share/espgate,\n"
        "                       for root /var/lib/espgate\n"
        "  --ports GLOB         more serial ports than those found (/dev/ttyAMA0); may be "
        "repeated\n"
        "  --auth token|none    who may call: whoever has a token (the default; the first one "
        "is written to\n"
        "                       DIR/admin.token), or everybody\n"
        "  --origin ORIGIN      web pages from there may call too, https://dashboard.example; "
        "may be repeated\n"
        "  --insecure           listen on other addresses than loopback also with --auth none or "
        "without TLS\n"
        "  --log-level L        error, warn, info or debug; default info\n"
        "  --log-format F       text or json, one object a line; default text\n"
        "  --tls-cert FILE      PEM: the server's certificate and those between it and its root; "
        "read again on SIGHUP\n"
        "  --tls-key FILE       PEM: its key\n"
        "  --client-ca FILE     PEM: only clients with a certificate of these authorities are let "
        "in\n"
        "  --max-body BYTES     largest request body; default 67108864\n"
        "  --keep-days N        jobs that have ended, with their logs, and events are kept so "
        "long; "
        "default 90, 0 = for ever\n"
        "  --backup FILE        copy the database into a new file and end, also while a service "
        "runs with it\n"
        "  --verify-audit       check that no entry of the audit was changed or taken out, and "
        "end; "
        "exit status 3: one was\n"
        "  --routes             print the routes and end\n"
        "  --version, --help\n"
        "\n"
        "Each option has a twin in the environment: ESPGATE_LISTEN, ESPGATE_DATA, ESPGATE_PORTS "
        "(with colons),\n"
        "ESPGATE_ORIGINS (with blanks), ESPGATE_INSECURE (yes or no), ESPGATE_AUTH and so on. Logs "
        "go to standard error.\n",
        out);
}
