#include "jobs/demo/draw.h"

#include "common/base/random.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 4, CORNERS_MAX = 16 };

static const double pi = 3.141592653589793;

typedef struct point {
    double x, y;
} point;

/* A shape ready to be asked. Its own coordinates: it fills the unit circle, y upwards. */
typedef struct figure {
    nb_demo_shape shape;
    point corner[CORNERS_MAX];
    size_t corners; /* 0: the shape is no polygon */
} figure;

/* n corners on the unit circle, the first at the top; with inner > 0, corners at that radius between them. */
static void draw_regular(figure *f, size_t n, double inner)
{
    f->corners = inner > 0 ? 2 * n : n;
    for (size_t i = 0; i < f->corners; i++) {
        double angle = pi / 2 + 2 * pi * (double)i / (double)f->corners;
        double radius = inner > 0 && i % 2 ? inner : 1.0;
        f->corner[i] = (point){radius * cos(angle), radius * sin(angle)};
    }
}

static void draw_polygon(figure *f, const point *corner, size_t n)
{
    memcpy(f->corner, corner, n * sizeof *corner);
    f->corners = n;
}

#define POLYGON(f, table) draw_polygon((f), (table), sizeof(table) / sizeof(table)[0])

static figure draw_figure_of(nb_demo_shape shape)
{
    static const point square[] = {{-0.72, -0.72}, {0.72, -0.72}, {0.72, 0.72}, {-0.72, 0.72}};
    static const point diamond[] = {{0, 1}, {0.66, 0}, {0, -1}, {-0.66, 0}};
    static const point cross[] = {{-0.3, 0.95}, {0.3, 0.95},   {0.3, 0.3},   {0.95, 0.3},   {0.95, -0.3}, {0.3, -0.3},
                                  {0.3, -0.95}, {-0.3, -0.95}, {-0.3, -0.3}, {-0.95, -0.3}, {-0.95, 0.3}, {-0.3, 0.3}};
    static const point arrow[] = {{-0.95, 0.24}, {0.1, 0.24},  {0.1, 0.7},    {0.98, 0},
                                  {0.1, -0.7},   {0.1, -0.24}, {-0.95, -0.24}};
    static const point lightning[] = {{0.25, 1}, {-0.6, -0.1}, {-0.1, -0.1}, {-0.3, -1}, {0.6, 0.25}, {0.1, 0.25}};
    static const point hourglass[] = {{-0.7, 0.7}, {0.7, 0.7}, {0.07, 0}, {0.7, -0.7}, {-0.7, -0.7}, {-0.07, 0}};
    figure f = {.shape = shape};
    switch (shape) {
    case NB_DEMO_SQUARE: POLYGON(&f, square); break;
    case NB_DEMO_TRIANGLE: draw_regular(&f, 3, 0); break;
    case NB_DEMO_STAR: draw_regular(&f, 5, 0.42); break;
    case NB_DEMO_CROSS: POLYGON(&f, cross); break;
    case NB_DEMO_HEXAGON: draw_regular(&f, 6, 0); break;
    case NB_DEMO_PENTAGON: draw_regular(&f, 5, 0); break;
    case NB_DEMO_ARROW: POLYGON(&f, arrow); break;
    case NB_DEMO_DIAMOND: POLYGON(&f, diamond); break;
    case NB_DEMO_LIGHTNING: POLYGON(&f, lightning); break;
    case NB_DEMO_HOURGLASS: POLYGON(&f, hourglass); break;
    default: break;
    }
    return f;
}

/* Even-odd rule: the edges a ray to the right crosses. */
static bool draw_inside_polygon(const figure *f, double x, double y)
{
    bool inside = false;
    for (size_t i = 0, j = f->corners - 1; i < f->corners; j = i++) {
        point a = f->corner[i];
        point b = f->corner[j];
        if ((a.y > y) != (b.y > y) && x < a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y)) {
            inside = !inside;
        }
    }
    return inside;
}

static bool draw_inside(const figure *f, double x, double y)
{
    if (f->corners) {
        return draw_inside_polygon(f, x, y);
    }
    double r = hypot(x, y);
    if (r > 1.0) {
        return false;
    }
    switch (f->shape) {
    case NB_DEMO_CIRCLE: return r < 0.92;
    case NB_DEMO_RING: return r < 0.95 && r > 0.56;
    case NB_DEMO_CRESCENT: return r < 0.97 && hypot(x - 0.42, y) > 0.76;
    case NB_DEMO_HEART: {
        /* (x^2 + y^2 - 1)^3 = x^2 y^3, scaled and moved to fill the circle */
        double u = 1.22 * x;
        double v = 1.22 * y + 0.14;
        double w = u * u + v * v - 1.0;
        return w * w * w < u * u * v * v * v;
    }
    case NB_DEMO_FLOWER: return r < 0.68 + 0.3 * cos(6 * atan2(y, x));
    case NB_DEMO_GEAR: return r > 0.32 && r < (cos(8 * atan2(y, x)) > 0 ? 0.98 : 0.74);
    case NB_DEMO_SPIRAL: {
        double winding = 2.5 * r - atan2(y, x) / (2 * pi);
        return winding - floor(winding) < 0.48;
    }
    default: return false;
    }
}

static bool draw_odd(double value)
{
    return fmod(floor(value), 2.0) != 0.0;
}

static bool draw_in_dot(double x, double y, double cell)
{
    double u = x / cell - floor(x / cell) - 0.5;
    double v = y / cell - floor(y / cell) - 0.5;
    return u * u + v * v < 0.1;
}

static void draw_mix(double out[3], const double a[3], const double b[3], double share)
{
    for (int i = 0; i < 3; i++) {
        out[i] = (1.0 - share) * a[i] + share * b[i];
    }
}

/* A tone of the same colour that shows on it: lighter on dark colours, darker on light ones. */
static void draw_companion(double out[3], const double rgb[3])
{
    static const double white[3] = {1, 1, 1};
    static const double black[3] = {0, 0, 0};
    double light = 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2];
    draw_mix(out, rgb, light < 0.62 ? white : black, light < 0.62 ? 0.5 : 0.35);
}

/* The object's colour at (x, y), turned with it, lengths of the picture. */
static void draw_object_colour(double out[3], const nb_demo_scene *s, double x, double y)
{
    double other[3];
    bool use = false;
    draw_companion(other, s->rgb);
    switch (s->texture) {
    case NB_DEMO_STRIPED: use = draw_odd(x / 0.13); break;
    case NB_DEMO_DOTTED: use = draw_in_dot(x, y, 0.24); break;
    case NB_DEMO_CHECKERED: use = draw_odd(x / 0.17) != draw_odd(y / 0.17); break;
    case NB_DEMO_SHADED: draw_mix(out, s->rgb, other, fmin(1.0, fmax(0.0, 0.5 + 0.55 * y / s->radius))); return;
    default: break;
    }
    memcpy(out, use ? other : s->rgb, sizeof other);
}

static double draw_lattice(const nb_demo_scene *s, int64_t column, int64_t row)
{
    return nb_random_unit(s->grain, 1, (uint64_t)(row + 64) << 16 | (uint64_t)(column + 64));
}

/* Random values on a grid of this many cells a unit, smoothly joined. */
static double draw_smooth_noise(const nb_demo_scene *s, double x, double y, double cells)
{
    double u = floor(x * cells);
    double v = floor(y * cells);
    double a = x * cells - u;
    double b = y * cells - v;
    int64_t i = (int64_t)u;
    int64_t j = (int64_t)v;
    a = a * a * (3 - 2 * a);
    b = b * b * (3 - 2 * b);
    double low = (1 - a) * draw_lattice(s, i, j) + a * draw_lattice(s, i + 1, j);
    double high = (1 - a) * draw_lattice(s, i, j + 1) + a * draw_lattice(s, i + 1, j + 1);
    return (1 - b) * low + b * high;
}

/* A picture without an object, at (x, y) of the picture turned by the scene's angle. */
static void draw_pattern_colour(double out[3], const nb_demo_scene *s, double x, double y)
{
    double cell = 0.4 * s->radius + 0.06;
    double share = 0;
    switch (s->kind) {
    case NB_DEMO_STRIPES: share = draw_odd(x / cell); break;
    case NB_DEMO_DOTS: share = draw_in_dot(x, y, 2 * cell); break;
    case NB_DEMO_CHECKERBOARD: share = draw_odd(x / cell) != draw_odd(y / cell); break;
    case NB_DEMO_CLOUDS: share = 0.65 * draw_smooth_noise(s, x, y, 2) + 0.35 * draw_smooth_noise(s, x, y, 5); break;
    default: break;
    }
    draw_mix(out, s->ground, s->rgb, share);
}

/* A scene ready to be asked point by point. */
typedef struct painter {
    const nb_demo_scene *scene;
    figure figure;
    double rotation[NB_DEMO_OBJECTS_MAX][2]; /* cosine and sine of each object's angle */
} painter;

/* (x, y) of the picture as object i has it, turned with it. */
static point draw_seen_from(const painter *p, unsigned i, double x, double y)
{
    const double *rotation = p->rotation[i];
    return (point){rotation[0] * x + rotation[1] * y, rotation[0] * y - rotation[1] * x};
}

/* The scene's colour at one point of the picture. */
static void draw_sample(double out[3], const painter *p, double x, double y)
{
    const nb_demo_scene *s = p->scene;
    if (s->kind != NB_DEMO_OBJECT) {
        point at = draw_seen_from(p, 0, x, y);
        draw_pattern_colour(out, s, at.x, at.y);
        return;
    }
    memcpy(out, s->ground, sizeof s->ground);
    for (unsigned i = 0; i < s->count; i++) {
        point at = draw_seen_from(p, i, x - s->spots[i].x, y - s->spots[i].y);
        if (!draw_inside(&p->figure, at.x / s->radius, at.y / s->radius)) {
            continue;
        }
        draw_object_colour(out, s, at.x, at.y);
        if (s->texture == NB_DEMO_GRAINY) {
            /* a marked grain of about two pixels, so that it survives resizing */
            double other[3];
            double base[3];
            draw_companion(other, s->rgb);
            memcpy(base, out, sizeof base);
            draw_mix(out, base, other, draw_smooth_noise(s, x, y, 16) > 0.58 ? 0.9 : 0.0);
        }
    }
}

static bool draw_near_an_object(const nb_demo_scene *s, double x, double y, double margin)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (hypot(x - s->spots[i].x, y - s->spots[i].y) <= s->radius + margin) {
            return true;
        }
    }
    return false;
}

/* The mean colour of a pixel whose upper left corner is (left, top). */
static void draw_pixel_colour(double out[3], const painter *p, double left, double top, double width)
{
    /* the corners first: where they agree, and most do, the pixel has that colour */
    static const unsigned order[SAMPLES * SAMPLES] = {0, 3, 12, 15, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14};
    const nb_demo_scene *s = p->scene;
    double first[3];
    bool differ = false;
    if (s->kind == NB_DEMO_OBJECT && !draw_near_an_object(s, left + width / 2, top - width / 2, width)) {
        memcpy(out, s->ground, sizeof s->ground);
        return;
    }
    memset(out, 0, sizeof s->ground);
    for (unsigned k = 0; k < SAMPLES * SAMPLES; k++) {
        double at[3];
        double x = left + (order[k] % SAMPLES + 0.5) * width / SAMPLES;
        unsigned row = order[k] / SAMPLES;
        double y = top - (row + 0.5) * width / SAMPLES;
        if (k == 4 && !differ) {
            memcpy(out, first, sizeof first);
            return;
        }
        draw_sample(at, p, x, y);
        if (k == 0) {
            memcpy(first, at, sizeof first);
        }
        for (int c = 0; c < 3; c++) {
            differ = differ || at[c] < first[c] || at[c] > first[c];
            out[c] += at[c] / (SAMPLES * SAMPLES);
        }
    }
}

void nb_demo_draw(const nb_demo_scene *s, uint8_t *rgb, size_t side)
{
    painter p = {.scene = s, .figure = draw_figure_of(s->shape)};
    const double width = 2.0 / (double)side;
    for (unsigned i = 0; i < s->count; i++) {
        p.rotation[i][0] = cos(s->spots[i].angle);
        p.rotation[i][1] = sin(s->spots[i].angle);
    }
    for (size_t pixel = 0; pixel < side * side; pixel++) {
        double colour[3] = {0};
        uint64_t noise = nb_random_u64(s->grain, 0, pixel);
        if (s->kind != NB_DEMO_STATIC) {
            size_t row = pixel / side;
            double left = (double)(pixel % side) * width - 1.0;
            draw_pixel_colour(colour, &p, left, 1.0 - (double)row * width, width);
        }
        for (unsigned c = 0; c < 3; c++, noise >>= 20) {
            /* photographs are never clean: a little noise everywhere */
            double unit = (double)(noise & 0xfffff) * 0x1p-20;
            double value = s->kind == NB_DEMO_STATIC ? unit : colour[c] + 0.03 * (unit - 0.5);
            rgb[3 * pixel + c] = (uint8_t)lround(255.0 * fmin(1.0, fmax(0.0, value)));
        }
    }
}
