#include "service/cloud/aws_ini.h"

#include <stdio.h>
#include <string.h>

#include "service/cloud/aws_sources.h"

struct span {
    const char *at;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct span trim(struct span s)
{
    while (s.n && is_blank(s.at[0])) {
        s.at++;
        s.n--;
    }
    while (s.n && is_blank(s.at[s.n - 1]))
        s.n--;
    return s;
}

static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.n; i++) {
        if (line.at[i] != '#' && line.at[i] != ';') continue;
        if (i == 0 || is_blank(line.at[i - 1])) return (struct span){line.at, i};
    }
    return line;
}

static bool is_text(struct span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.at, text, s.n) == 0;
}

static bool begins(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && memcmp(s.at, text, n) == 0;
}

/* @param s  what stands between the brackets */
static bool is_profile(struct span s, enum aws_ini_kind kind, const char *profile)
{
    s = trim(s);
    if (kind == AWS_INI_CREDENTIALS || !begins(s, "profile") || s.n < 9 || !is_blank(s.at[7]))
        return is_text(s, profile) &&
               (kind == AWS_INI_CREDENTIALS || strcmp(profile, "default") == 0);
    s = trim((struct span){s.at + 7, s.n - 7});
    char quote = s.at[0];
    if (s.n >= 2 && (quote == '"' || quote == '\'') && s.at[s.n - 1] == quote)
        s = (struct span){s.at + 1, s.n - 2};
    return is_text(s, profile);
}

static void take_key(struct span value, const char *name, char *out, size_t cap,
                     struct aws_profile *p)
{
    char text[AWS_TOKEN];
    if (value.n < sizeof text) {
        memcpy(text, value.at, value.n);
        text[value.n] = '\0';
    }
    if (value.n >= sizeof text || memchr(value.at, '\0', value.n) || !aws_keys_put(out, cap, text))
        p->malformed = name;
    explicit_bzero(text, sizeof text);
}

static void take(struct span name, struct span value, struct aws_profile *p)
{
    struct {
        const char *name;
        char *out;
        size_t cap;
    } keys[] = {
        {"aws_access_key_id", p->keys.access_key_id, AWS_KEY_ID},
        {"aws_secret_access_key", p->keys.secret_access_key, AWS_SECRET},
        {"aws_session_token", p->keys.session_token, AWS_TOKEN},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (is_text(name, keys[i].name)) take_key(value, keys[i].name, keys[i].out, keys[i].cap, p);
    if (is_text(name, "role_arn") || begins(name, "sso_") || is_text(name, "credential_process") ||
        is_text(name, "web_identity_token_file"))
        snprintf(p->unsupported, sizeof p->unsupported, "%.*s", (int)(name.n < 31 ? name.n : 31),
                 name.at);
}

void aws_ini_read(const char *text, size_t n, enum aws_ini_kind kind, const char *profile,
                  struct aws_profile *out)
{
    bool ours = false, nested = false;
    const char *end = text + n;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        struct span whole = {text, (size_t)((stop ? stop : end) - text)};
        struct span line = trim(without_comment(whole));
        text += whole.n + 1;
        if (line.n >= 2 && line.at[0] == '[' && line.at[line.n - 1] == ']') {
            ours = is_profile((struct span){line.at + 1, line.n - 2}, kind, profile);
            out->found |= ours;
            nested = false;
            continue;
        }
        const char *equals = line.n ? memchr(line.at, '=', line.n) : NULL;
        if (!ours || !equals || equals == line.at) continue;
        struct span name = trim((struct span){line.at, (size_t)(equals - line.at)});
        struct span value = {equals + 1, line.n - (size_t)(equals + 1 - line.at)};
        value = trim(value);
        nested = value.n == 0 || (nested && is_blank(whole.at[0]));
        if (!nested) take(name, value, out);
    }
}
