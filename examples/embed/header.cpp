/*
 * The header in C++: a model that closes itself.
 *
 *   c++ -std=c++11 header.cpp $(pkg-config --cflags --libs hn) -o header
 *   ./header net.hn        # the sizes of the network, and its prediction for a sample of zeros
 */
#include <hn.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <vector>

class Model {
public:
  explicit Model(const char *path) : model_(nullptr, hn_model_close) {
    hn_model *model = nullptr;
    const hn_status status = hn_model_load(path, &model);
    model_.reset(model);
    if (status != HN_OK) throw std::runtime_error(hn_model_message(model));
  }

  std::size_t inputs() const { return static_cast<std::size_t>(hn_model_inputs(model_.get())); }
  std::size_t outputs() const { return static_cast<std::size_t>(hn_model_outputs(model_.get())); }

  std::vector<float> operator()(const std::vector<float> &sample) const {
    std::vector<float> y(outputs());
    if (sample.size() != inputs()) throw std::invalid_argument("a sample has another number of inputs");
    const hn_status status = hn_model_predict(model_.get(), 1, sample.data(), y.data());
    if (status != HN_OK) throw std::runtime_error(hn_status_name(status));
    return y;
  }

private:
  std::unique_ptr<hn_model, void (*)(hn_model *)> model_;
};

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: header net.hn\n";
    return 2;
  }
  try {
    const Model model(argv[1]);
    std::cout << model.inputs() << " -> " << model.outputs() << ":";
    for (float y : model(std::vector<float>(model.inputs()))) std::cout << ' ' << y;
    std::cout << '\n';
  } catch (const std::exception &error) {
    std::cerr << "header: " << error.what() << '\n';
    return 1;
  }
}
