#include "service/cloud/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/wipe.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct curl_library library;
static bool loaded;

static enum err missing(void)
{
    const char *why = dlerror();
    return err_fail(ERR_UNSUPPORTED, "no_libcurl", "Install the package libcurl4.",
                    "libcurl cannot be used: %s", why ? why : "it does not start");
}

static enum err load(void)
{
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!handle) return missing();
    static const char *const names[] = {
#define CURL_NAME(name) #name,
        CURL_CALLS(CURL_NAME)
#undef CURL_NAME
    };
    void *found[sizeof names / sizeof *names];
    _Static_assert(sizeof found == sizeof library, "the struct holds the calls and nothing else");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!(found[i] = dlsym(handle, names[i]))) return missing();
    memcpy(&library, found, sizeof library);
    /* What it releases may hold keys: headers that it sent, answers that it read. */
    if (library.curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_free, wipe_realloc, strdup,
                                     calloc) != CURLE_OK)
        return missing();
    const curl_version_info_data *version = library.curl_version_info(CURLVERSION_NOW);
    if (!version->ssl_version || strncmp(version->ssl_version, "OpenSSL/", 8) != 0)
        return err_fail(ERR_UNSUPPORTED, "no_libcurl",
                        "Install the package libcurl4: it is libcurl with OpenSSL.",
                        "libcurl uses %s for TLS, which does not take certificates from memory",
                        version->ssl_version ? version->ssl_version : "nothing");
    loaded = true;
    return ERR_OK;
}

enum err curl_library_load(const struct curl_library **out)
{
    pthread_mutex_lock(&lock);
    enum err e = loaded ? ERR_OK : load();
    pthread_mutex_unlock(&lock);
    *out = e ? NULL : &library;
    return e;
}
