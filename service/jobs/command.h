/* command: one order to a slot, validated. The JSON of POST /v1/jobs is its one outside form, and
 * the form in which it is stored (sealed). */
#ifndef SERVICE_JOBS_COMMAND_H
#define SERVICE_JOBS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/base/id.h"
#include "service/base/json_in.h"

enum command_kind {
    COMMAND_IDENTIFY,
    COMMAND_WRITE,
    COMMAND_CHECK,
    COMMAND_RESET,
    COMMAND_AT,
    COMMAND_PROVISION
};
enum command_method { METHOD_AUTO, METHOD_ROM, METHOD_AT };
enum check_level { LEVEL_NONE, LEVEL_WIFI, LEVEL_TIME, LEVEL_CONNECT, LEVEL_PUBLISH };

enum { COMMAND_AT_LINES = 32 };

struct command {
    enum command_kind kind;
    char slot[64];
    char
        credential[ID_TEXT]; /* write, provision: required; check: for the host's check, optional */
    enum command_method method; /* write, provision, identify; default auto */
    enum check_level
        level;       /* check: "level", default publish; provision: "check", default publish */
    bool host_check; /* check, provision: "host_check", default true when there is a credential and
                        the level is connect or publish; true only with a credential and a host */
    struct {
        char ssid[33], password[65];
    } wifi; /* required from level wifi on */
    struct {
        char server[128]; /* default "pool.ntp.org" */
        int zone;         /* hours, default 0 */
    } time;
    struct {
        char host[254];      /* required from level connect on */
        int port;            /* default 8883, 1883 for scheme 1 */
        int scheme;          /* 1…5, default 5 */
        char client_id[257]; /* {mac} and {slot} are replaced; default "espgate-{mac}" */
        char topic[129];     /* the same; default "espgate/{mac}/check" */
        int qos;             /* 0 or 1, default 1 */
        int keepalive_s;     /* 0 or 5…7200, default 120 */
        char alpn[65], sni[254], username[65], password[65];
    } mqtt;
    char at_lines[COMMAND_AT_LINES][257]; /* kind at: "lines" */
    size_t at_line_count;
    int timeout_s; /* "timeout", 5…LIMIT_JOB_SECONDS; default 300 */
};

const char *command_kind_name(enum command_kind k);
const char *command_method_name(enum command_method m);
const char *check_level_name(enum check_level l);

/** Read and validate a body. @param[out] errors  every field that is wrong
 *  @return ERR_OK; ERR_ARG with code bad_json or bad_body */
enum err command_parse(const char *json, size_t n, struct command *out,
                       struct field_errors *errors);
/** Wipe (it may hold passwords). */
void command_dispose(struct command *c);
/** Replace {mac} ("240ac4123456") and {slot} in a template. @return ERR_OK, ERR_TOO_LARGE */
enum err command_expand(const char *template, const char *mac, const char *slot, char *out,
                        size_t cap);
#endif
