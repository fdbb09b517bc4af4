/* libserialport walks the system's serial devices and leaves out pseudo-terminals and whatever has
 * no USB or hardware parent; the globs add those that a user named.
 *
 * Identity: the by-id link where the adapter has a serial number of its own. Adapters without one
 * (most CH340s), or all with the same ("0001"), share one link name, which points to the one
 * plugged in last, so there the USB socket is the identity. */
#include "service/port/enumerate.h"

#include <glob.h>
#include <libserialport.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "service/base/id.h"
#include "service/port/identity.h"

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void copy(char *out, size_t cap, const char *s)
{
    snprintf(out, cap, "%s", s ? s : "");
}

/* A name fit for a URL and a slot. */
static void make_name(struct port_info *p, const char *path)
{
    copy(p->name, sizeof p->name, last_part(path));
    for (char *c = p->name; *c; c++) {
        char one[] = {'a', *c, '\0'}; /* a leading '.' is refused, one further on is not */
        if (!id_is_name(one, 2)) *c = '_';
    }
    if (p->name[0] == '.') p->name[0] = '_';
}

static bool knows_device(const struct port_list *l, const char *device)
{
    for (size_t i = 0; i < l->count; i++)
        if (!strcmp(l->items[i].device, device)) return true;
    return false;
}

/* A new one at the end, NULL when out of memory. */
static struct port_info *append(struct port_list *l)
{
    struct port_info *grown = reallocarray(l->items, l->count + 1, sizeof *grown);
    if (!grown) return NULL;
    l->items = grown;
    struct port_info *p = &grown[l->count++];
    *p = (struct port_info){.usb_vid = -1, .usb_pid = -1};
    return p;
}

/* Its link in one of udev's folders, as the path to open. @return false when there is none */
static bool set_path(struct port_info *p, const char *dir, char *link, size_t cap)
{
    char path[sizeof p->path];
    if (!identity_link(dir, p->device, link, cap)) return false;
    int n = snprintf(path, sizeof path, "%s/%s", dir, link);
    if (n < 0 || (size_t)n >= sizeof path) return false;
    memcpy(p->path, path, sizeof path);
    return true;
}

/* Ports behind one interface of one adapter. */
static bool shares_socket(const struct port_list *l, const struct port_info *p)
{
    for (size_t i = 0; i < l->count; i++)
        if (&l->items[i] != p && !strcmp(l->items[i].socket, p->socket)) return true;
    return false;
}

static void set_identity(const struct port_list *l, struct port_info *p)
{
    char link[sizeof p->id];
    copy(p->path, sizeof p->path, p->device);
    if (p->usb_serial[0] && !enumerate_has_twin(l, p) &&
        set_path(p, "/dev/serial/by-id", link, sizeof link)) {
        copy(p->id, sizeof p->id, link);
        return;
    }
    set_path(p, "/dev/serial/by-path", link, sizeof link);
    bool has_socket = p->socket[0] && !shares_socket(l, p);
    copy(p->id, sizeof p->id, has_socket ? p->socket : p->path);
}

static void find_socket(struct port_info *p)
{
    char parent[128], sys[PATH_MAX];
    snprintf(parent, sizeof parent, "/sys/class/tty/%.64s/device", last_part(p->device));
    if (realpath(parent, sys)) identity_usb_path(sys, p->socket, sizeof p->socket);
}

static enum err add_serial(struct port_list *l, const struct sp_port *sp)
{
    const char *device = sp_get_port_name(sp);
    if (!device || strlen(device) >= sizeof l->items->device || knows_device(l, device))
        return ERR_OK;
    struct port_info *p = append(l);
    if (!p) return err_set(ERR_MEM, "out of memory");
    copy(p->device, sizeof p->device, device);
    make_name(p, device);
    if (sp_get_port_usb_vid_pid(sp, &p->usb_vid, &p->usb_pid) != SP_OK)
        p->usb_vid = p->usb_pid = -1;
    copy(p->usb_serial, sizeof p->usb_serial, sp_get_port_usb_serial(sp));
    copy(p->usb_manufacturer, sizeof p->usb_manufacturer, sp_get_port_usb_manufacturer(sp));
    copy(p->usb_product, sizeof p->usb_product, sp_get_port_usb_product(sp));
    copy(p->bridge, sizeof p->bridge, identity_bridge(p->usb_vid, p->usb_pid)->name);
    find_socket(p);
    return ERR_OK;
}

static enum err add_all_serial(struct port_list *l)
{
    struct sp_port **found;
    enum sp_return rc = sp_list_ports(&found);
    if (rc == SP_ERR_MEM) return err_set(ERR_MEM, "out of memory");
    if (rc != SP_OK) return err_set(ERR_IO, "the system does not list its serial ports");
    enum err e = ERR_OK;
    for (size_t i = 0; found[i] && !e; i++)
        e = add_serial(l, found[i]);
    sp_free_port_list(found);
    for (size_t i = 0; i < l->count && !e; i++)
        set_identity(l, &l->items[i]);
    return e;
}

/* One path that a glob gave; what is no device now is left out. */
static enum err add_path(struct port_list *l, const char *path)
{
    char device[PATH_MAX];
    struct stat st;
    if (!realpath(path, device) || stat(device, &st) < 0 || !S_ISCHR(st.st_mode)) return ERR_OK;
    if (strlen(device) >= sizeof l->items->device || strlen(path) >= sizeof l->items->path)
        return ERR_OK;
    if (knows_device(l, device)) return ERR_OK;
    struct port_info *p = append(l);
    if (!p) return err_set(ERR_MEM, "out of memory");
    make_name(p, path);
    copy(p->path, sizeof p->path, path);
    copy(p->id, sizeof p->id, path);
    copy(p->device, sizeof p->device, device);
    return ERR_OK;
}

static enum err add_glob(struct port_list *l, const char *pattern)
{
    glob_t g;
    int rc = glob(pattern, 0, NULL, &g);
    if (rc == GLOB_NOSPACE) return err_set(ERR_MEM, "out of memory");
    if (rc) return ERR_OK; /* nothing there now */
    enum err e = ERR_OK;
    for (size_t i = 0; i < g.gl_pathc && !e; i++)
        e = add_path(l, g.gl_pathv[i]);
    globfree(&g);
    return e;
}

static int compare_paths(const void *a, const void *b)
{
    const struct port_info *pa = a, *pb = b;
    return strverscmp(pa->path, pb->path);
}

static bool is_taken(const struct port_list *l, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (!strcmp(l->items[i].name, name)) return true;
    return false;
}

/* Two links of the same name in different folders: the second gets a number. */
static void make_names_unique(struct port_list *l)
{
    for (size_t i = 1; i < l->count; i++) {
        char wanted[sizeof l->items->name];
        copy(wanted, sizeof wanted, l->items[i].name);
        for (unsigned k = 2; is_taken(l, i, l->items[i].name); k++)
            snprintf(l->items[i].name, sizeof l->items[i].name, "%.50s-%u", wanted, k);
    }
}

enum err enumerate_ports(const char *const *globs, size_t glob_count, struct port_list *out)
{
    *out = (struct port_list){.items = NULL};
    enum err e = add_all_serial(out);
    for (size_t i = 0; i < glob_count && !e; i++)
        e = add_glob(out, globs[i]);
    if (e) {
        free(out->items);
        *out = (struct port_list){.items = NULL};
        return e;
    }
    if (out->count) qsort(out->items, out->count, sizeof *out->items, compare_paths);
    make_names_unique(out);
    return ERR_OK;
}
