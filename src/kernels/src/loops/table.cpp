#include "loops/instruction_set.hpp"
#include "loops/loops.hpp"

namespace landbridge::INSTRUCTION_SET {

extern const PredictorLoops predictor_loops;
extern const CanvasLoops canvas_loops;
extern const CompositingLoops compositing_loops;
extern const LocalScaleLoops local_scale_loops;
extern const ReductionLoops reduction_loops;
extern const ConversionLoops conversion_loops;

extern const Loops loops;
const Loops loops = {LANDBRIDGE_TEXT(INSTRUCTION_SET), &predictor_loops, &canvas_loops, &compositing_loops,
                     &local_scale_loops, &reduction_loops, &conversion_loops};

}  // namespace landbridge::INSTRUCTION_SET
