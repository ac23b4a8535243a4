#include "loops/instruction_set.hpp"
#include "loops/loops.hpp"

namespace landbridge::INSTRUCTION_SET {

extern const PredictorLoops predictor_loops;

extern const Loops loops;
const Loops loops = {LANDBRIDGE_TEXT(INSTRUCTION_SET), &predictor_loops};

}  // namespace landbridge::INSTRUCTION_SET
