/* json_in: a JSON object into C variables, by an array of rows. Unknown fields, wrong types and
 * values out of range are errors that name the field by its JSON pointer (RFC 6901); all are found,
 * not only the first. The macros only build rows; they never return or branch. */
#ifndef SERVICE_BASE_JSON_IN_H
#define SERVICE_BASE_JSON_IN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

enum json_need { JSON_OPTIONAL, JSON_REQUIRED };
enum json_type {
    JSON_IN_END,
    JSON_IN_STR,
    JSON_IN_INT,
    JSON_IN_ADDRESS, /* an integer, or the same as text: "0x37000" */
    JSON_IN_BOOL,
    JSON_IN_CHOICE,
    JSON_IN_OBJECT,
    JSON_IN_ARRAY,
    JSON_IN_ANY /* a value of more than one type, for the caller to judge */
};

struct json_field {
    enum json_type type;
    const char *name;
    enum json_need need;
    void *out; /* char[max + 1], int64_t (JSON_IN_INT, JSON_IN_ADDRESS), bool, int (index of the
                  choice), json_t * (borrowed) */
    int64_t min, max;           /* bytes of a string, value of an integer, items of an array */
    const char *const *choices; /* NULL-ended */
    bool *given_out;            /* set to whether the field was there; NULL allowed */
};

#define JSON_STR(n, o, need, lo, hi)                                                               \
    {                                                                                              \
        JSON_IN_STR, n, need, o, lo, hi, NULL, NULL                                                \
    }
#define JSON_INT(n, o, need, lo, hi)                                                               \
    {                                                                                              \
        JSON_IN_INT, n, need, o, lo, hi, NULL, NULL                                                \
    }
#define JSON_ADDRESS(n, o, need, lo, hi)                                                           \
    {                                                                                              \
        JSON_IN_ADDRESS, n, need, o, lo, hi, NULL, NULL                                            \
    }
#define JSON_BOOL(n, o, need)                                                                      \
    {                                                                                              \
        JSON_IN_BOOL, n, need, o, 0, 0, NULL, NULL                                                 \
    }
#define JSON_CHOICE(n, o, need, list)                                                              \
    {                                                                                              \
        JSON_IN_CHOICE, n, need, o, 0, 0, list, NULL                                               \
    }
#define JSON_OBJECT_AT(n, o, need)                                                                 \
    {                                                                                              \
        JSON_IN_OBJECT, n, need, o, 0, 0, NULL, NULL                                               \
    }
#define JSON_ARRAY_AT(n, o, need, lo, hi)                                                          \
    {                                                                                              \
        JSON_IN_ARRAY, n, need, o, lo, hi, NULL, NULL                                              \
    }
#define JSON_ANY(n, o, need)                                                                       \
    {                                                                                              \
        JSON_IN_ANY, n, need, o, 0, 0, NULL, NULL                                                  \
    }
#define JSON_FIELDS_END                                                                            \
    {                                                                                              \
        JSON_IN_END, NULL, JSON_OPTIONAL, NULL, 0, 0, NULL, NULL                                   \
    }

enum { FIELD_ERRORS_MAX = 16 };

struct field_errors {
    struct field_error {
        char pointer[96]; /* "/mqtt/port"; "" = the whole body */
        char detail[160];
    } items[FIELD_ERRORS_MAX];
    size_t count; /* may pass FIELD_ERRORS_MAX: the rest was not kept */
};

/** Add one, printf-like. */
void field_errors_add(struct field_errors *errors, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** A byte that would end or split a line (an AT command, say) that carries the string. */
void field_errors_refuse_control(struct field_errors *errors, const char *pointer, const char *s);
/** @return ERR_OK when there are none; ERR_ARG with code bad_body, the first one in the detail */
enum err field_errors_result(const struct field_errors *errors);
/** From now on jansson wipes what it frees: a body may hold a key or a password. Call it once at
 * start, before the second thread. */
void json_in_wipe_freed(void);
/** Parse text as one JSON object. Duplicate keys and bytes after it are errors. The caller
 * json_decref()s *out.
 *  @return ERR_OK; ERR_ARG with code bad_json (line and column in the detail, never the text
 * itself) */
enum err json_in_text(const char *text, size_t n, json_t **out);
/** Read @p object by @p fields; outputs of missing optional fields are left as they are.
 *  @param at  pointer of the object, "" for the body @return ERR_OK; ERR_ARG with code bad_body,
 * when @p errors is not empty */
enum err json_in(const json_t *object, const char *at, const struct json_field *fields,
                 struct field_errors *errors);
#endif
