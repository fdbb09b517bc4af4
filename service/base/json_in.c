/* json_in: see json_in.h. What a client sent is never repeated in a message: a body may hold a
 * private key or a password, and the place of a fault says enough. Only names of unknown fields are
 * told, as JSON pointers. */
#include "service/base/json_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/base/wipe.h"

enum { DEPTH_MAX = 32, POINTER_TEXT = sizeof((struct field_error *)0)->pointer };

void json_in_wipe_freed(void)
{
    json_set_alloc_funcs(malloc, wipe_free);
}

void field_errors_add(struct field_errors *errors, const char *pointer, const char *fmt, ...)
{
    if (errors->count < FIELD_ERRORS_MAX) {
        struct field_error *item = &errors->items[errors->count];
        snprintf(item->pointer, sizeof item->pointer, "%s", pointer);
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(item->detail, sizeof item->detail, fmt, ap);
        va_end(ap);
    }
    errors->count++;
}

/* Deepest nesting of brackets outside strings: the parser recurses once a level. */
static size_t depth_of(const char *text, size_t n)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else
                in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && depth) depth--;
        if (depth > deepest) deepest = depth;
    }
    return deepest;
}

/* Jansson's own text quotes the input, so only its code is used. */
static const char *words_for(enum json_error_code code)
{
    static const struct {
        enum json_error_code code;
        const char *words;
    } table[] = {
        {json_error_invalid_utf8, "the text is not UTF-8"},
        {json_error_premature_end_of_input, "the text ends too early"},
        {json_error_end_of_input_expected, "something follows the end of the object"},
        {json_error_null_character, "a string holds a NUL"},
        {json_error_null_byte_in_key, "a name holds a NUL"},
        {json_error_duplicate_key, "a name is there twice"},
        {json_error_numeric_overflow, "a number is too large"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code) return table[i].words;
    return "the text is not JSON";
}

enum err json_in_text(const char *text, size_t n, json_t **out)
{
    static const char code[] = "bad_json";
    *out = NULL;
    if (n == 0) return err_fail(ERR_ARG, code, "Send one JSON object.", "the body is empty");
    if (n > LIMIT_UPLOAD_BODY)
        return err_fail(ERR_ARG, code, NULL, "more than %d bytes of JSON", LIMIT_UPLOAD_BODY);
    if (depth_of(text, n) > DEPTH_MAX)
        return err_fail(ERR_ARG, code, NULL, "nested deeper than %d levels", DEPTH_MAX);
    json_error_t error;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return err_set(ERR_MEM, "out of memory for JSON");
    if (!root)
        return err_fail(
            ERR_ARG, code, "Send one JSON object; a shell passes it on as it is in single quotes.",
            "line %d, column %d: %s", error.line, error.column, words_for(json_error_code(&error)));
    if (!json_is_object(root)) {
        json_decref(root);
        return err_fail(ERR_ARG, code, "Send one JSON object.", "the body is not a JSON object");
    }
    *out = root;
    return ERR_OK;
}

static size_t utf8_length(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* "/mqtt" and "a/b" → "/mqtt/a~1b". A name that is too long is cut between two characters. */
static void pointer_join(const char *at, const char *name, char out[POINTER_TEXT])
{
    size_t n = (size_t)snprintf(out, POINTER_TEXT, "%s/", at);
    if (n >= POINTER_TEXT) return;
    while (*name) {
        char piece[5] = "";
        size_t from = utf8_length((unsigned char)*name);
        if (*name == '~' || *name == '/')
            snprintf(piece, sizeof piece, "~%c", *name == '~' ? '0' : '1');
        else
            snprintf(piece, sizeof piece, "%.*s", (int)from, name);
        size_t to = strlen(piece);
        if (n + to >= POINTER_TEXT) break;
        memcpy(out + n, piece, to + 1);
        n += to;
        name += from;
    }
}

static bool read_string(const json_t *value, const struct json_field *f)
{
    if (!json_is_string(value)) return false;
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    if (strlen(text) != n || n < (size_t)f->min || n > (size_t)f->max) return false;
    memcpy(f->out, text, n + 1);
    return true;
}

static bool read_integer(const json_t *value, const struct json_field *f)
{
    if (!json_is_integer(value)) return false;
    json_int_t v = json_integer_value(value);
    if (v < f->min || v > f->max) return false;
    *(int64_t *)f->out = v;
    return true;
}

/* JSON knows no hexadecimal numbers, and nobody thinks of flash addresses in decimal ones. */
static bool read_address(const json_t *value, const struct json_field *f)
{
    if (!json_is_string(value)) return read_integer(value, f);
    const char *text = json_string_value(value);
    if (strncmp(text, "0x", 2) != 0) return false;
    size_t digits = strspn(text + 2, "0123456789abcdefABCDEF");
    if (digits < 1 || digits > 8 || strlen(text) != 2 + digits) return false;
    int64_t v = (int64_t)strtoul(text, NULL, 16);
    if (v < f->min || v > f->max) return false;
    *(int64_t *)f->out = v;
    return true;
}

static bool read_choice(const json_t *value, const struct json_field *f)
{
    if (!json_is_string(value)) return false;
    for (int i = 0; f->choices[i]; i++) {
        if (strcmp(f->choices[i], json_string_value(value)) != 0) continue;
        *(int *)f->out = i;
        return true;
    }
    return false;
}

static bool read_array(json_t *value, const struct json_field *f)
{
    if (!json_is_array(value)) return false;
    size_t n = json_array_size(value);
    if (n < (size_t)f->min || n > (size_t)f->max) return false;
    *(json_t **)f->out = value;
    return true;
}

static bool read_value(json_t *value, const struct json_field *f)
{
    switch (f->type) {
    case JSON_IN_STR:
        return read_string(value, f);
    case JSON_IN_INT:
        return read_integer(value, f);
    case JSON_IN_ADDRESS:
        return read_address(value, f);
    case JSON_IN_BOOL:
        if (!json_is_boolean(value)) return false;
        *(bool *)f->out = json_is_true(value);
        return true;
    case JSON_IN_CHOICE:
        return read_choice(value, f);
    case JSON_IN_OBJECT:
        if (!json_is_object(value)) return false;
        *(json_t **)f->out = value;
        return true;
    case JSON_IN_ARRAY:
        return read_array(value, f);
    case JSON_IN_ANY:
        *(json_t **)f->out = value;
        return true;
    case JSON_IN_END:
        break;
    }
    return false;
}

static void say_choices(struct field_errors *errors, const char *pointer,
                        const char *const *choices)
{
    char list[128] = "";
    size_t n = 0;
    for (int i = 0; choices[i] && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", choices[i]);
    field_errors_add(errors, pointer, "must be one of: %s", list);
}

static void say_expected(struct field_errors *errors, const char *pointer,
                         const struct json_field *f)
{
    long long min = f->min, max = f->max;
    switch (f->type) {
    case JSON_IN_STR:
        field_errors_add(errors, pointer, "must be a string of %lld to %lld bytes", min, max);
        break;
    case JSON_IN_INT:
        field_errors_add(errors, pointer, "must be a whole number from %lld to %lld", min, max);
        break;
    case JSON_IN_ADDRESS:
        field_errors_add(errors, pointer,
                         "must be a whole number from %lld to %lld, or the same as \"0x…\"", min,
                         max);
        break;
    case JSON_IN_BOOL:
        field_errors_add(errors, pointer, "must be true or false");
        break;
    case JSON_IN_CHOICE:
        say_choices(errors, pointer, f->choices);
        break;
    case JSON_IN_OBJECT:
        field_errors_add(errors, pointer, "must be an object");
        break;
    case JSON_IN_ARRAY:
        field_errors_add(errors, pointer, "must be a list of %lld to %lld items", min, max);
        break;
    case JSON_IN_ANY:
    case JSON_IN_END:
        break;
    }
}

static const struct json_field *find_field(const struct json_field *fields, const char *name)
{
    for (; fields->type != JSON_IN_END; fields++)
        if (strcmp(fields->name, name) == 0) return fields;
    return NULL;
}

static void report_unknown(const json_t *object, const char *at, const struct json_field *fields,
                           struct field_errors *errors)
{
    /* Jansson's iterators want a pointer that is not const, but do not write. */
    json_t *o = (json_t *)object;
    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
        const char *name = json_object_iter_key(it);
        if (find_field(fields, name)) continue;
        char pointer[POINTER_TEXT];
        pointer_join(at, name, pointer);
        field_errors_add(errors, pointer, "is not a known field here");
    }
}

enum err json_in(const json_t *object, const char *at, const struct json_field *fields,
                 struct field_errors *errors)
{
    if (!json_is_object(object)) field_errors_add(errors, at, "must be an object");
    for (const struct json_field *f = fields; f->type != JSON_IN_END; f++) {
        json_t *value = json_object_get(object, f->name);
        if (f->given_out) *f->given_out = value != NULL;
        if (!json_is_object(object)) continue;
        char pointer[POINTER_TEXT];
        pointer_join(at, f->name, pointer);
        if (!value && f->need == JSON_REQUIRED) field_errors_add(errors, pointer, "is required");
        if (value && !read_value(value, f)) say_expected(errors, pointer, f);
    }
    if (json_is_object(object)) report_unknown(object, at, fields, errors);
    return field_errors_result(errors);
}

void field_errors_refuse_control(struct field_errors *errors, const char *pointer, const char *s)
{
    while ((unsigned char)*s >= 0x20 && *s != 0x7f)
        s++;
    if (*s) field_errors_add(errors, pointer, "must not hold control characters");
}

enum err field_errors_result(const struct field_errors *errors)
{
    if (!errors->count) return ERR_OK;
    const struct field_error *first = &errors->items[0];
    return err_fail(ERR_ARG, "bad_body", NULL, "%zu %s wrong; %s %s", errors->count,
                    errors->count == 1 ? "field is" : "fields are",
                    first->pointer[0] ? first->pointer : "the body", first->detail);
}
