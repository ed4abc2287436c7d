/*
 * A trained network of one output as a function of numbers, for columns of RDataFrame:
 *
 *   const Network network("signal.hn");
 *   float y = network(x1, x2, x3);
 *
 * Any number of threads may call one network at the same time; copies share it, and the last one closes it.
 */
#pragma once

#include <hn.h>

#include <memory>
#include <stdexcept>
#include <string>

class Network {
public:
  /* Reads a file of net:save; throws the reason if it cannot. */
  explicit Network(const std::string &path) {
    hn_model *model = nullptr;
    const hn_status status = hn_model_load(path.c_str(), &model);
    model_.reset(model, hn_model_close);
    if (status != HN_OK) throw std::runtime_error(hn_model_message(model));
    if (hn_model_outputs(model) != 1) throw std::runtime_error(path + ": expected a network of one output");
  }

  /* The output for one event: as many numbers as the network has inputs, of whatever types. */
  template <class... Column> float operator()(Column... columns) const {
    const float x[] = {static_cast<float>(columns)...};
    if (hn_model_inputs(model_.get()) != sizeof...(columns))
      throw std::invalid_argument("the network takes " + std::to_string(hn_model_inputs(model_.get())) +
                                  " columns, not " + std::to_string(sizeof...(columns)));
    float y;
    const hn_status status = hn_model_predict(model_.get(), 1, x, &y);
    if (status != HN_OK) throw std::runtime_error(hn_status_name(status));
    return y;
  }

private:
  std::shared_ptr<const hn_model> model_;
};
