/* config: defaults ← environment (ESPGATE_*) ← command line, once, into one constant struct. */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "service/base/err.h"
#include "service/base/log.h"

enum { CONFIG_PORTS_MAX = 64, CONFIG_ORIGINS_MAX = 16 };

enum config_action {
    CONFIG_SERVE,
    CONFIG_ROUTES,
    CONFIG_VERIFY_AUDIT,
    CONFIG_BACKUP,
    CONFIG_VERSION,
    CONFIG_HELP
};

struct config {
    enum config_action action;
    char listen_address[64]; /* numeric, without brackets */
    uint16_t listen_port;
    char data_dir[PATH_MAX];
    const char *ports[CONFIG_PORTS_MAX]; /* globs; point into argv, or into ports_env */
    size_t port_count;
    char ports_env[PATH_MAX];                /* ESPGATE_PORTS, cut at its colons */
    bool open;                               /* nobody is asked for a token */
    bool insecure;                           /* also where strangers could come in, or listen */
    const char *origins[CONFIG_ORIGINS_MAX]; /* point into argv, or into origins_env */
    size_t origin_count;
    char origins_env[1024]; /* ESPGATE_ORIGINS, cut at its blanks */
    size_t max_body;
    unsigned keep_days;      /* what has ended is kept so long; 0 = for ever */
    const char *backup_file; /* of CONFIG_BACKUP; points into argv */
    enum log_level log_level;
    bool log_json;
    /* files; point into argv or the environment. NULL = none */
    const char *tls_cert, *tls_key, *client_ca;
};

/** @return ERR_OK; ERR_ARG, with the sentence for the user in err_last()->detail */
enum err config_read(int argc, char **argv, struct config *out);
void config_print_help(FILE *out);
#endif
