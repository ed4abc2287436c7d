/*
 * Scores every event of an RDataFrame with a trained network, on all cores, from C++:
 *
 *   export LD_LIBRARY_PATH=$(pkg-config --variable=libdir hn)
 *   export ROOT_INCLUDE_PATH=$(pkg-config --variable=includedir hn)
 *   root -l -b -q 'examples/root/score.C("signal.hn", "events.csv", "scores.root")'
 *
 * The first two files are what train.lua writes; scores.root gets a tree with the score of each event.
 */
R__LOAD_LIBRARY(libhn)
#include "network.h"

#include <ROOT/RCsvDS.hxx>
#include <ROOT/RDataFrame.hxx>
#include <TInterpreter.h>
#include <TStopwatch.h>

#include <cstdio>

/* "network(x1, x2, ...)", or of one column 28 times, "network(x, x, ...)". */
static std::string call(bool numbered) {
  std::string text = "network(";
  for (int i = 1; i <= 28; i++) text += (i > 1 ? ", x" : "x") + (numbered ? std::to_string(i) : "");
  return text + ")";
}

/* What scoring alone costs: events that need no reading, all 28 numbers the same. The first loop also compiles. */
static double microseconds() {
  const int count = 50000;
  auto made_up = ROOT::RDataFrame(count).Define("x", "rdfentry_ % 7 - 3.f").Define("score", call(false));
  double cost = 0;
  for (const char *run : {"compiled", "timed"}) {
    TStopwatch clock;
    *made_up.Sum("score");
    cost = 1e6 * clock.RealTime() / count;
  }
  return cost;
}

void score(const std::string &path, const std::string &events, const std::string &scores) {
  ROOT::EnableImplicitMT();
  gInterpreter->Declare(("const Network network(R\"(" + path + ")\");").c_str());

  auto frame = ROOT::RDF::FromCSV(events);         // of a tree: ROOT::RDataFrame("tree", "file.root")
  auto scored = frame.Define("score", call(true)); // logarithm of the odds: above 0, rather signal

  auto signal = scored.Filter("signal == 1").Mean("score");
  auto background = scored.Filter("signal == 0").Mean("score");
  scored.Snapshot("scores", scores, {"event", "score"}); // one loop over the events for all three
  printf("mean score of signal %.4f, of background %.4f\n", *signal, *background);
  printf("%.1f us an event with %u threads\n", microseconds(), ROOT::GetThreadPoolSize());
}
