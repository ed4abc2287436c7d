/* Writes HDF5 files for specs: hdf5 FOLDER makes group.h5, compound.h5, array.h5, named.h5 and two.h5 of
 * ROWS events: pt = i / 4, event = 10^10 + i, flag = i % 2, with i from 0. */
#include <hdf5.h>
#include <stddef.h>
#include <stdio.h>

#define ROWS 1000

typedef struct event {
  float pt;
  long long event;
  unsigned char flag;
} event;

static event events[ROWS];

static hid_t create(const char *folder, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
}

/* A dataset of one dimension, in packed chunks, from values that lie in the events. */
static void column(hid_t group, const char *name, hid_t stored, hid_t type, size_t offset, hsize_t rows) {
  hsize_t chunk = 128;
  hid_t space = H5Screate_simple(1, &rows, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, 1, &chunk);
  H5Pset_deflate(plist, 4);
  hid_t set = H5Dcreate2(group, name, stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  static double values[ROWS];
  for (hsize_t i = 0; i < rows; i++) {
    const char *at = (const char *)&events[i] + offset;
    values[i] = type == H5T_NATIVE_FLOAT   ? (double)*(const float *)(const void *)at
                : type == H5T_NATIVE_LLONG ? (double)*(const long long *)(const void *)at
                                           : *(const unsigned char *)at;
  }
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(set);
  H5Pclose(plist);
  H5Sclose(space);
}

static void columns(hid_t group, hsize_t rows) {
  column(group, "pt", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, offsetof(event, pt), ROWS);
  column(group, "event", H5T_STD_I64BE, H5T_NATIVE_LLONG, offsetof(event, event), ROWS);
  column(group, "flag", H5T_STD_U8LE, H5T_NATIVE_UCHAR, offsetof(event, flag), rows);
}

static void write_groups(const char *folder) {
  hid_t file = create(folder, "group.h5"), group = H5Gcreate2(file, "events", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  columns(group, ROWS);
  H5Gclose(group);
  H5Fclose(file);
  file = create(folder, "two.h5");
  for (int k = 0; k < 2; k++) {
    group = H5Gcreate2(file, k ? "short" : "whole", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    columns(group, k ? ROWS - 1 : ROWS);
    H5Gclose(group);
  }
  H5Fclose(file);
}

static void write_compound(const char *folder) {
  hsize_t rows = ROWS;
  hid_t file = create(folder, "compound.h5"), type = H5Tcreate(H5T_COMPOUND, sizeof(event));
  H5Tinsert(type, "pt", offsetof(event, pt), H5T_NATIVE_FLOAT);
  H5Tinsert(type, "event", offsetof(event, event), H5T_NATIVE_LLONG);
  H5Tinsert(type, "flag", offsetof(event, flag), H5T_NATIVE_UCHAR);
  hid_t space = H5Screate_simple(1, &rows, NULL);
  hid_t set = H5Dcreate2(file, "tree", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, events);
  H5Dclose(set);
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(file);
}

/* Two dimensions; with or without names. */
static void write_array(const char *folder, const char *name, const char (*names)[6]) {
  static double values[ROWS][3];
  hsize_t sizes[2] = {ROWS, 3}, three = 3;
  for (int i = 0; i < ROWS; i++)
    values[i][0] = (double)events[i].pt, values[i][1] = (double)events[i].event, values[i][2] = events[i].flag;
  hid_t file = create(folder, name), space = H5Screate_simple(2, sizes, NULL);
  hid_t set = H5Dcreate2(file, "m", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  if (names) {
    hid_t text = H5Tcopy(H5T_C_S1), list = H5Screate_simple(1, &three, NULL);
    H5Tset_size(text, 6);
    hid_t attribute = H5Acreate2(set, "columns", text, list, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, text, names);
    H5Aclose(attribute);
    H5Sclose(list);
    H5Tclose(text);
  }
  H5Dclose(set);
  H5Sclose(space);
  H5Fclose(file);
}

int main(int argc, char **argv) {
  static const char names[3][6] = {"pt", "event", "flag"};
  if (argc != 2) return 2;
  for (int i = 0; i < ROWS; i++) events[i] = (event){(float)i / 4, 10000000000 + i, (unsigned char)(i % 2)};
  write_groups(argv[1]);
  write_compound(argv[1]);
  write_array(argv[1], "array.h5", NULL);
  write_array(argv[1], "named.h5", names);
  return 0;
}
