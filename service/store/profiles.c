/* profiles: recipes for jobs; a Wi-Fi password is among them. */
#include "service/store/named.h"

static const struct named_kind profiles =
    NAMED_KIND("profile", "GET /v1/profiles lists them.", NULL);

enum err store_profile_put(struct store *s, const struct named_settings *r)
{
    return named_put(s, &profiles, r, false);
}

enum err store_profile_get(struct store *s, const char *name, struct named_settings *out)
{
    return named_get(s, &profiles, name, out);
}

enum err store_profile_delete(struct store *s, const char *name)
{
    return named_delete(s, &profiles, name);
}

enum err store_profile_list(struct store *s, struct store_page *page,
                            struct named_settings **list_out, size_t *n_out)
{
    return named_list(s, &profiles, page, list_out, n_out);
}
