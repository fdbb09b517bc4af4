#include "api/handlers/subject.h"

#include <stdio.h>
#include <string.h>

enum { TEMPLATE = 256 };

static void fill(const char *template, const char *pointer, const struct template_word *words,
                 size_t n, enum subject_part part, struct subject *out, struct field_errors *errors)
{
    const char *stray = template_stray(template, words, n);
    if (stray) {
        field_errors_add(errors, pointer, "has \"%.20s\", which is no word that is filled in here",
                         stray);
        return;
    }
    enum err e = template_fill(template, words, n, out->parts[part], subject_part_max[part] + 1);
    if (e == ERR_TOO_LARGE)
        field_errors_add(errors, pointer, "is longer than %zu bytes when filled in",
                         subject_part_max[part]);
    else if (e)
        field_errors_add(errors, pointer, "%s: the request does not say it", err_last()->detail);
}

void subject_read(const json_t *value, const char *at, const struct template_word *words, size_t n,
                  struct subject *out, struct field_errors *errors)
{
    char templates[SUBJECT_PARTS][TEMPLATE + 1] = {""};
    struct json_field fields[SUBJECT_PARTS + 1];
    for (int i = 0; i < SUBJECT_PARTS; i++)
        fields[i] = (struct json_field)JSON_STR(subject_part_names[i], templates[i],
                                                i == SUBJECT_CN ? JSON_REQUIRED : JSON_OPTIONAL, 1,
                                                TEMPLATE);
    fields[SUBJECT_PARTS] = (struct json_field)JSON_FIELDS_END;
    json_in(value, at, fields, errors);
    for (int i = 0; i < SUBJECT_PARTS; i++) {
        char pointer[48];
        snprintf(pointer, sizeof pointer, "%s/%s", at, subject_part_names[i]);
        fill(templates[i], pointer, words, n, (enum subject_part)i, out, errors);
    }
}
