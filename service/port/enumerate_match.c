/* What is known of a list of ports without looking at the host, but for where a link leads. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "service/port/enumerate.h"

static const char by_id[] = "/dev/serial/by-id/";

/* ":if00" of its socket. */
static const char *interface_of(const struct port_info *p)
{
    const char *colon = strrchr(p->socket, ':');
    return colon ? colon : "";
}

static bool are_twins(const struct port_info *a, const struct port_info *b)
{
    return a->usb_vid == b->usb_vid && a->usb_pid == b->usb_pid && a->socket[0] &&
           strcmp(a->usb_serial, b->usb_serial) == 0 && strcmp(a->socket, b->socket) != 0 &&
           strcmp(interface_of(a), interface_of(b)) == 0;
}

bool enumerate_has_twin(const struct port_list *list, const struct port_info *p)
{
    for (size_t i = 0; i < list->count; i++)
        if (are_twins(p, &list->items[i])) return true;
    return false;
}

static bool is_named(const struct port_info *p, const char *wanted)
{
    return strcmp(p->name, wanted) == 0 || strcmp(p->path, wanted) == 0 ||
           strcmp(p->id, wanted) == 0 || strcmp(p->device, wanted) == 0;
}

const struct port_info *enumerate_match(const struct port_list *list, const char *wanted)
{
    char device[PATH_MAX];
    for (size_t i = 0; i < list->count; i++)
        if (is_named(&list->items[i], wanted)) return &list->items[i];
    if (wanted[0] != '/' || !realpath(wanted, device)) return NULL;
    bool may_be_shared = strncmp(wanted, by_id, sizeof by_id - 1) == 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct port_info *p = &list->items[i];
        if (strcmp(p->device, device) != 0) continue;
        return may_be_shared && enumerate_has_twin(list, p) ? NULL : p;
    }
    return NULL;
}
