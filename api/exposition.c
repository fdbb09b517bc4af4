#include "api/exposition.h"

#include <stdint.h>
#include <stdio.h>

static const char *const types[] = {"counter", "gauge", "histogram", "info"};

void expose(struct exposition *x, enum exposition_type type, const char *name, const char *help)
{
    x->family = name;
    x->type = type;
    /* The older format knows no family of a counter apart from its one figure, and no info. */
    const char *tail = x->open ? "" : type == EXPOSE_COUNTER ? "_total" : "";
    const char *kind = types[type];
    if (!x->open && type == EXPOSE_INFO) {
        tail = "_info";
        kind = "gauge";
    }
    buf_printf(x->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, tail, help, name, tail, kind);
}

static void put_label(struct exposition *x, bool first, const char *name, const char *value)
{
    buf_printf(x->out, "%s%s=\"", first ? "{" : ",", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\n')
            buf_puts(x->out, "\\n");
        else if (*c == '"' || *c == '\\')
            buf_printf(x->out, "\\%c", *c);
        else
            buf_append(x->out, c, 1);
    }
    buf_puts(x->out, "\"");
}

static void put_figure(struct exposition *x, const char *tail, const struct label *labels,
                       const char *le, double value)
{
    bool first = true;
    buf_printf(x->out, "%s%s", x->family, tail);
    for (; labels && labels->name; labels++, first = false)
        put_label(x, first, labels->name, labels->value);
    if (le) put_label(x, first, "le", le);
    bool whole = value >= 0 && value < 9e15 && value == (double)(uint64_t)value;
    buf_printf(x->out, whole ? "%s %.0f\n" : "%s %.15g\n", first && !le ? "" : "}", value);
}

void expose_value(struct exposition *x, const struct label *labels, double value)
{
    const char *tail = x->type == EXPOSE_COUNTER ? "_total" : x->type == EXPOSE_INFO ? "_info" : "";
    put_figure(x, tail, labels, NULL, value);
}

void expose_histogram(struct exposition *x, const struct label *labels, const struct histogram *h,
                      const struct histogram_scale *s)
{
    uint64_t sum = 0;
    char le[32];
    for (size_t i = 0; i <= s->n; i++) {
        sum += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        if (i < s->n) snprintf(le, sizeof le, "%.10g", (double)s->bounds_us[i] / 1e6);
        put_figure(x, "_bucket", labels, i < s->n ? le : "+Inf", (double)sum);
    }
    put_figure(x, "_sum", labels, NULL,
               (double)atomic_load_explicit(&h->sum_us, memory_order_relaxed) / 1e6);
    put_figure(x, "_count", labels, NULL, (double)sum);
}

void expose_end(struct exposition *x)
{
    if (x->open) buf_puts(x->out, "# EOF\n");
}
