#include "service/cloud/aws_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/file.h"
#include "service/cloud/aws_ini.h"

enum { FILE_MAX = 256 * 1024, PATH_MAX_BYTES = 4096, PROFILE_MAX = 65 };

bool aws_keys_put(char *out, size_t cap, const char *text)
{
    size_t n = strlen(text);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~') return false;
    if (n >= cap) return false;
    memcpy(out, text, n + 1);
    return true;
}

/* --- given --- */

static enum err take_given(void *arg, struct cancel *cancel, struct deadline until,
                           struct aws_keys *out)
{
    (void)cancel;
    (void)until;
    *out = *(const struct aws_keys *)arg;
    return ERR_OK;
}

static void free_given(void *arg)
{
    explicit_bzero(arg, sizeof(struct aws_keys));
    free(arg);
}

enum err aws_keys_given(const struct aws_keys *keys, struct aws_config *c)
{
    struct aws_keys *copy = malloc(sizeof *copy);
    if (!copy) return err_set(ERR_MEM, "out of memory");
    *copy = *keys;
    c->keys = take_given;
    c->keys_arg = copy;
    c->keys_free = free_given;
    return ERR_OK;
}

/* --- environment --- */

static const char *value_of(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static enum err malformed(const char *where, const char *name)
{
    return err_fail(ERR_CONFLICT, "keys_malformed", "Copy it again, whole and without blanks.",
                    "%s: the value of %s cannot be one", where, name);
}

/* @param names  of the id, and of the secret, as they are called @p where */
static enum err judge(const struct aws_keys *k, const char *where, const char *const names[2])
{
    if (k->access_key_id[0] && k->secret_access_key[0]) return ERR_OK;
    if (!k->access_key_id[0] && !k->secret_access_key[0])
        return err_fail(ERR_CONFLICT, "keys_missing",
                        "Set them there for espgate itself, or send keys with PUT "
                        "/v1/clouds/{name}.",
                        "%s: there is neither %s nor %s", where, names[0], names[1]);
    return err_fail(ERR_CONFLICT, "keys_incomplete", "A key is a pair: an id and its secret.",
                    "%s: %s is there without %s", where, names[!k->access_key_id[0]],
                    names[!!k->access_key_id[0]]);
}

static enum err take_environment(void *arg, struct cancel *cancel, struct deadline until,
                                 struct aws_keys *out)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN"};
    static const char where[] = "environment";
    (void)arg;
    (void)cancel;
    (void)until;
    *out = (struct aws_keys){.expires_unix_s = 0};
    if (!aws_keys_put(out->access_key_id, AWS_KEY_ID, value_of(names[0])))
        return malformed(where, names[0]);
    if (!aws_keys_put(out->secret_access_key, AWS_SECRET, value_of(names[1])))
        return malformed(where, names[1]);
    if (!aws_keys_put(out->session_token, AWS_TOKEN, value_of(names[2])))
        return malformed(where, names[2]);
    return judge(out, where, names);
}

void aws_keys_of_environment(struct aws_config *c)
{
    c->keys = take_environment;
    c->keys_arg = NULL;
    c->keys_free = NULL;
}

/* --- files --- */

static enum err find_file(const char *variable, const char *beneath_home, char path[PATH_MAX_BYTES])
{
    const char *set = value_of(variable), *home = value_of("HOME");
    if (set[0]) {
        snprintf(path, PATH_MAX_BYTES, "%s", set);
        return ERR_OK;
    }
    snprintf(path, PATH_MAX_BYTES, "%s/%s", home, beneath_home);
    if (home[0]) return ERR_OK;
    return err_fail(ERR_CONFLICT, "keys_missing", "Set AWS_SHARED_CREDENTIALS_FILE for espgate.",
                    "neither %s nor HOME is set", variable);
}

/* One that is not there says nothing: the other may be enough. */
static enum err read_file(const char *path, enum aws_ini_kind kind, const char *name,
                          struct aws_profile *out)
{
    struct buf text;
    buf_init_secret(&text, FILE_MAX);
    enum err e = file_read(path, &text);
    if (!e) aws_ini_read(buf_str(&text), text.len, kind, name, out);
    buf_dispose(&text);
    if (!e || e == ERR_NOT_FOUND || e == ERR_MEM) return e == ERR_MEM ? e : ERR_OK;
    char why[sizeof err_last()->detail];
    snprintf(why, sizeof why, "%s", err_last()->detail);
    return err_fail(ERR_IO, "keys_unreadable", "espgate itself must be able to read it.", "%s",
                    why);
}

static enum err judge_profile(const struct aws_profile *p, const char *name, const char *path)
{
    static const char *const names[] = {"aws_access_key_id", "aws_secret_access_key"};
    char where[PATH_MAX_BYTES + 128];
    snprintf(where, sizeof where, "profile \"%s\" of %s", name, path);
    if (!p->found)
        return err_fail(ERR_CONFLICT, "keys_missing",
                        "Name one that is there, and see that it is the file that is meant.",
                        "there is no %s", where);
    if (p->unsupported[0])
        return err_fail(ERR_UNSUPPORTED, "keys_unsupported",
                        "Use a profile that holds a key, or let AWS's own tools put its keys into "
                        "espgate's environment.",
                        "%s gets its keys by %s, which espgate does not do", where, p->unsupported);
    return p->malformed ? malformed(where, p->malformed) : judge(&p->keys, where, names);
}

static enum err take_file(void *arg, struct cancel *cancel, struct deadline until,
                          struct aws_keys *out)
{
    char config[PATH_MAX_BYTES], credentials[PATH_MAX_BYTES];
    const char *name = arg;
    struct aws_profile p = {.found = false};
    (void)cancel;
    (void)until;
    if (!name[0]) name = value_of("AWS_PROFILE");
    if (!name[0]) name = "default";
    enum err e = find_file("AWS_CONFIG_FILE", ".aws/config", config);
    if (!e) e = find_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", credentials);
    /* What both say counts as the second has it. */
    if (!e) e = read_file(config, AWS_INI_CONFIG, name, &p);
    if (!e) e = read_file(credentials, AWS_INI_CREDENTIALS, name, &p);
    if (!e) e = judge_profile(&p, name, credentials);
    if (!e) *out = p.keys;
    explicit_bzero(&p, sizeof p);
    return e;
}

enum err aws_keys_of_file(const char *profile, struct aws_config *c)
{
    char *copy = strdup(profile);
    if (!copy) return err_set(ERR_MEM, "out of memory");
    c->keys = take_file;
    c->keys_arg = copy;
    c->keys_free = free;
    return ERR_OK;
}
