#include "service/base/template.h"

#include <string.h>

static const struct template_word *word_at(const char *text, const struct template_word *words,
                                           size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(text, words[i].name, strlen(words[i].name)) == 0) return &words[i];
    return NULL;
}

const char *template_stray(const char *text, const struct template_word *words, size_t n)
{
    const char *brace = strchr(text, '{');
    while (brace && word_at(brace, words, n))
        brace = strchr(brace + 1, '{');
    return brace;
}

enum err template_fill(const char *text, const struct template_word *words, size_t n, char *out,
                       size_t cap)
{
    size_t len = 0;
    out[0] = '\0';
    while (*text) {
        const struct template_word *word = word_at(text, words, n);
        const char *piece = word ? word->value : text;
        if (!piece) {
            out[0] = '\0';
            return err_fail(ERR_ARG, "template_word", NULL, "%s is not known", word->name);
        }
        size_t to = word ? strlen(piece) : 1;
        if (len + to >= cap) {
            out[0] = '\0';
            return err_set(ERR_TOO_LARGE, "more than %zu bytes when filled in", cap - 1);
        }
        memcpy(out + len, piece, to);
        len += to;
        out[len] = '\0';
        text += word ? strlen(word->name) : 1;
    }
    return ERR_OK;
}
