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
#include "service/base/limits.h"
#include "service/pki/layout.h"
#include "service/pki/target.h"
#include "service/register/spec.h"

enum command_kind {
    COMMAND_IDENTIFY,
    COMMAND_WRITE,
    COMMAND_CHECK,
    COMMAND_RESET,
    COMMAND_AT,
    COMMAND_PROVISION,
    COMMAND_FLASH,
    COMMAND_READ,
    COMMAND_ERASE,
    COMMAND_RESTORE
};
enum { COMMAND_KINDS = COMMAND_RESTORE + 1 };
enum command_method { METHOD_AUTO, METHOD_ROM, METHOD_AT };
enum check_level { LEVEL_NONE, LEVEL_WIFI, LEVEL_TIME, LEVEL_CONNECT, LEVEL_PUBLISH };

enum { COMMAND_AT_LINES = 32 };

/** A place in flash: a partition of the board's own tables, or a range. */
struct command_place {
    char partition[17];    /* "" = by offset */
    uint32_t offset, size; /* size 0 = to be found from the image or the partition */
};

/** One item of a flash job's "images". */
struct command_image {
    char firmware[ID_TEXT];        /* a binary from /v1/firmware, or … */
    char image[ID_TEXT], file[48]; /* … a file of an image set from /v1/images (place optional) */
    bool placed;                   /* place was given */
    struct command_place place;
};

struct command {
    enum command_kind kind;
    char slot[64];
    /* write, provision: required, but where "cloud" makes one; then it is filled in when it is
     * there. check: for the host's check, optional */
    char credential[ID_TEXT];
    /* provision: "cloud", where the board's thing is registered first; heap, NULL = nowhere.
     * check: only its name; the board's thing there is looked for here */
    struct register_spec *cloud;
    char profile[64]; /* of which "profile" it was made; "" = none. For the record: what it says is
                         in the fields below */
    enum command_method method; /* write, provision, identify; default auto */
    struct target target; /* write, provision, flash: "target":{"kind","index"}, default mqtt */
    /* write, provision: what the caller takes the board for; the board is asked all the same, and
     * a contradiction is refused with both sides named */
    struct {
        enum layout_kind kind;        /* "layout":"partitions" or "mfg_nvs"; LAYOUT_NONE = unsaid */
        char module[48], release[16]; /* "layout":{"module","release"}: a row of layouts known here,
                                         used where the board tells nothing; "" = unsaid */
    } expected;
    bool purge_key;       /* write, provision: "purge_key", default false: once the write is
                             verified the private key is taken out of the vault */
    char backup[ID_TEXT]; /* restore: "backup" */
    enum check_level
        level;            /* check: "level", default publish; provision: "check", default publish */
    bool host_check_said; /* it is asked for by name, and not by default only */
    bool host_check; /* check, provision: "host_check", default true when there is a credential and
                        the level is connect or publish; true only with a credential and a host */
    struct {
        char ssid[33], password[65];
        bool keep; /* "keep", default false: the board keeps this network after the job */
    } wifi;        /* required from level wifi on */
    struct {
        char server[128]; /* default "pool.ntp.org" */
        int zone;         /* hours, default 0 */
    } time;
    struct {
        char host[254]; /* required from level connect on; with a cloud default: its own */
        int port;       /* default 8883, 1883 for scheme 1; with a cloud default: its own */
        bool port_said;
        int scheme;          /* 1…5, default 5 */
        char client_id[257]; /* {mac} and {slot}, and {thing} with a cloud, are replaced; default
                                "espgate-{mac}", with a cloud "{thing}" */
        char topic[129];     /* the same; default "espgate/{mac}/check", with a cloud
                                "{thing}/check" */
        int qos;             /* 0 or 1, default 1 */
        int keepalive_s;     /* 0 or 5…7200, default 120 */
        char alpn[65], sni[254], username[65], password[65];
    } mqtt;
    char at_lines[COMMAND_AT_LINES][257]; /* kind at: "lines" */
    size_t at_line_count;
    /* flash: "firmware" (and perhaps "credential") or "images" */
    char firmware[ID_TEXT];
    struct command_image images[LIMIT_FLASH_IMAGES];
    size_t image_count;
    unsigned overwrite;    /* flash, erase: sum of enum guard_area, from "overwrite":["nvs"…] */
    bool diff;             /* flash: "diff", default true: what is there already is not written */
    bool allow_unverified; /* flash: where secure download mode has no MD5 */
    struct {
        char mode[8], freq[8], size[8]; /* default "keep" */
    } header;                           /* flash: of a bootloader image */
    struct command_place place;         /* read, erase: "partition", or "offset" and "size" */
    bool whole;                         /* read, erase: the whole flash */
    uint32_t flash_bytes;     /* flash, read, erase, write, provision: 0 = as the flash chip says */
    int priority;             /* "priority", JOB_PRIORITY_MIN…MAX, default 0 */
    char depends_on[ID_TEXT]; /* "depends_on": a job; "" = none */
    int deadline_s;           /* "deadline", 1…LIMIT_DEADLINE_S from acceptance; 0 = none */
    int timeout_s; /* "timeout", 5…LIMIT_JOB_SECONDS; default 300; flash, read, erase 900; read of
                      the whole LIMIT_JOB_SECONDS */
};

const char *command_kind_name(enum command_kind k);
const char *command_method_name(enum command_method m);
const char *check_level_name(enum check_level l);

/** Read and validate a body. @param[out] errors  every field that is wrong
 *  @return ERR_OK; ERR_ARG with code bad_json or bad_body */
enum err command_parse(const char *json, size_t n, struct command *out,
                       struct field_errors *errors);
/** The "kind" of a body. @return false: there is none, or it is not one */
bool command_find_kind(const json_t *body, enum command_kind *out);
/** Does an order of this kind have this field? */
bool command_has_field(enum command_kind k, const char *name);
/** Judge what a profile says, by the rules of orders: "wifi", "time", "mqtt", "check",
 * "host_check", "method", "target", "layout", "purge_key", "firmware", "flash_bytes", "cloud", all
 * optional.
 *  @param errors  every field that is wrong is added @return ERR_OK; ERR_ARG with code bad_body;
 * ERR_MEM */
enum err command_judge_settings(const json_t *settings, struct field_errors *errors);
/** Wipe (it may hold passwords), and release what it holds; may be done again. */
void command_dispose(struct command *c);
struct command_words { /* what is filled in for {mac} ("240ac4123456"), {slot} and {thing} */
    const char *mac, *slot, *thing; /* NULL: not known, which is an error where it is used */
};
/** Fill in a template. @return as template_fill() */
enum err command_expand(const char *template, const struct command_words *w, char *out, size_t cap);
#endif
