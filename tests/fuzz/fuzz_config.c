/* The input is a command line, an argument a line; a line that begins with "ESPGATE_" is put into
 * the environment instead. What is taken must be whole; what is not must be told. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARGS = 24, ENVIRONMENT = 8 };

static void check(const struct config *c)
{
    assert(memchr(c->listen_address, '\0', sizeof c->listen_address));
    assert(memchr(c->data_dir, '\0', sizeof c->data_dir) && c->data_dir[0]);
    assert(c->port_count <= CONFIG_PORTS_MAX && c->log_level <= LOG_DEBUG);
    for (size_t i = 0; i < c->port_count; i++)
        assert(c->ports[i] && c->ports[i][0]);
    assert(c->action != CONFIG_SERVE || (c->max_body >= 1024 && !c->tls_cert == !c->tls_key));
}

/* "NAME=value". @return whether it is one for the environment */
static int set(char *line, char *names[ENVIRONMENT], size_t *count)
{
    char *value = strchr(line, '=');
    if (strncmp(line, "ESPGATE_", 8) != 0 || !value || *count == ENVIRONMENT) return 0;
    *value++ = '\0';
    if (setenv(line, value, 1) == 0) names[(*count)++] = line;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config c;
    char *argv[ARGS + 2] = {(char *)"espgate"}, *names[ENVIRONMENT];
    char *text = strndup((const char *)data, size), *rest = text;
    int argc = 1;
    size_t count = 0;
    assert(text);
    for (char *line; argc <= ARGS && (line = strsep(&rest, "\n"));)
        if (!set(line, names, &count)) argv[argc++] = line;
    if (config_read(argc, argv, &c))
        assert(err_last()->detail[0]);
    else
        check(&c);
    while (count)
        unsetenv(names[--count]);
    free(text);
    return 0;
}
